// Package seal keeps secrets: a Secret cannot print itself, and a Ring turns it into a Sealed value that opens only in
// the place it was sealed for.
//
//	Secret ──Ring.Seal(place)──▶ Sealed (bytes in a row) ──Ring.Open(place)──▶ Secret
//
// The place (company, table, row, column) is the associated data of the encryption, so a ciphertext that was copied to
// another row, column or company does not open. The first bytes of a Sealed value name the key it was sealed with
// (Tink's format), so keys can be replaced while the system runs.
package seal

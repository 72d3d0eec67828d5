package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// ReadRingFile reads a ring from a file that only its owner may read.
func ReadRingFile(path string) (*Ring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key ring: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key ring %s can be read by others (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key ring: %w", err)
	}
	r, err := ParseRing(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// WriteRingFile writes r to a new file with mode 0600. It refuses to replace a file that exists, since losing a ring
// loses every secret sealed with it. The file is complete or absent, whenever the process ends.
func WriteRingFile(path string, r *Ring) error {
	text, err := r.encode()
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keyring-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the key ring: %w", err)
	}
	defer os.Remove(tmp.Name())
	if err := fill(tmp, text); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil { // unlike a rename, a link never replaces
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("write the key ring: %s exists already", path)
		}
		return fmt.Errorf("write the key ring: %w", err)
	}
	return syncDir(path)
}

// ChangeRingFile replaces the ring in a file by what change makes of it, with the file's owner and mode 0600. The file
// holds the old ring or the new one, complete, whenever the process ends. Two changes at once cannot overwrite each
// other: the second is refused.
func ChangeRingFile(path string, change func(*Ring) (*Ring, error)) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("change the key ring: %w", err)
	}
	next := path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("another command is changing the key ring, or was interrupted before it changed anything: "+
			"if none is running, delete %s", next)
	}
	if err != nil {
		return fmt.Errorf("change the key ring: %w", err)
	}
	defer file.Close()
	placed := false
	defer func() {
		if !placed {
			_ = os.Remove(next)
		}
	}()
	old, err := ReadRingFile(path)
	if err != nil {
		return err
	}
	made, err := change(old)
	if err != nil {
		return err
	}
	text, err := made.encode()
	if err != nil {
		return err
	}
	if err := sameOwner(path, file); err != nil {
		return fmt.Errorf("change the key ring: its owner cannot be kept: %w", err)
	}
	if err := fill(file, text); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("change the key ring: %w", err)
	}
	placed = true
	return syncDir(path)
}

func (r *Ring) encode() ([]byte, error) {
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(r.held.Load().handle, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, errors.New("write the key ring: it cannot be encoded")
	}
	return buf.Bytes(), nil
}

// fill writes text to the disk, and closes the file.
func fill(file *os.File, text []byte) error {
	_, err := file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the key ring: %w", err)
	}
	return nil
}

// syncDir makes the new name of a file survive a power cut, where the system can.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil //nolint:nilerr // a directory that may be written and not read
	}
	_ = dir.Sync() // not every file system can
	return dir.Close()
}

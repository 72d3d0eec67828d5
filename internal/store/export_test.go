package store

import "io/fs"

// ErrSlowLook is what Clock.Sync fails with where the machine was too busy to tell how old the answer is.
var ErrSlowLook = errSlowLook

// UseMigrations makes Migrate take other steps than the program's own.
func (s *Store) UseMigrations(fsys fs.FS) { s.migrations = fsys }

package store

import "io/fs"

// UseMigrations makes Migrate take other steps than the program's own.
func (s *Store) UseMigrations(fsys fs.FS) { s.migrations = fsys }

package seal

import (
	"log/slog"
	"os"
	"sync"
)

// followed is the file that a ring changes with.
type followed struct {
	path string
	log  *slog.Logger

	mu   sync.Mutex
	seen os.FileInfo // the file that was read last, or tried
}

// FollowRingFile reads a ring from a file and lets it change with the file, so that keys are replaced without a
// restart: before every Seal, when Open meets an unknown key, and when it is asked for its keys, the ring looks whether
// the file is another one and reads it again. So whatever is sealed after a promotion is sealed with the new primary. A file that cannot be read
// then is told to log, once, and the ring stays as it is.
func FollowRingFile(path string, log *slog.Logger) (*Ring, error) {
	seen, err := os.Stat(path)
	if err != nil {
		seen = nil // ReadRingFile says it better
	}
	r, err := ReadRingFile(path)
	if err != nil {
		return nil, err
	}
	r.file = &followed{path: path, log: log, seen: seen}
	return r, nil
}

// follow reads the file again if it has changed, and reports whether it did.
func (r *Ring) follow() bool {
	f := r.file
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		if f.seen != nil {
			f.log.Warn("the key ring's file is gone; the keys that were read go on", "error", err)
		}
		f.seen = nil
		return false
	}
	if f.seen != nil && os.SameFile(f.seen, info) && f.seen.ModTime().Equal(info.ModTime()) &&
		f.seen.Size() == info.Size() {
		return false
	}
	f.seen = info
	now, err := ReadRingFile(f.path)
	if err != nil {
		f.log.Warn("the key ring has changed and cannot be read; the keys that were read go on", "error", err)
		return false
	}
	r.held.Store(now.held.Load())
	f.log.Info("the key ring has changed and was read again", "keys", len(now.Keys()), "primary", now.Primary())
	return true
}

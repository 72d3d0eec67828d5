//go:build unix

package seal

import (
	"os"
	"syscall"
)

// sameOwner gives file the owner of what is at path, so that a ring which an administrator changes as root is still
// readable for the server.
func sameOwner(path string, file *os.File) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	was, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(was.Uid) == os.Geteuid() {
		return nil
	}
	return file.Chown(int(was.Uid), int(was.Gid))
}

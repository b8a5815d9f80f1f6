//go:build unix

package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// dirLock keeps other processes out of a data directory: the caches of this
// one are exact only while nobody else writes. The system drops it with the process, however that ends.
type dirLock struct{ file *os.File }

// lockDir takes the lock of dir, waiting a while for a process that is just stopping.
func lockDir(ctx context.Context, dir string) (*dirLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, "hecate.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	deadline := time.Now().Add(liteLockWait)
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return &dirLock{file}, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			file.Close()
			return nil, fmt.Errorf("lock the data directory: %w", err)
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			file.Close()
			return nil, fmt.Errorf("the data directory %s is in use by another hecate process", dir)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (l *dirLock) release() error { return l.file.Close() }

package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// supervise runs a server until nobody has held the lock file "users" for some seconds,
// and then removes all of it. While it stops it holds that lock alone, so nobody can join a dying server.
const supervise = `
cd "$1" || exit 1
"$2/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
  -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB -c max_wal_size=512MB \
  -c deadlock_timeout=100ms -c autovacuum_naptime=300s -c logging_collector=off &
server=$!
exec 9<users
while kill -0 $server 2>/dev/null; do
  flock -x 9; flock -u 9
  sleep 5
  if flock -n -x 9; then break; fi
done
kill -QUIT $server 2>/dev/null
wait $server
rm -rf "$1/data"
`

// startShared joins the cluster of this user, starting it when it does not run.
// The lock on "users" is held until this process ends.
func startShared() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	owner, err := clusterOwner()
	if err != nil {
		return "", err
	}
	dir, err := clusterDir(owner)
	if err != nil {
		return "", err
	}
	start, err := lockFile(filepath.Join(dir, "start"), syscall.LOCK_EX)
	if err != nil {
		return "", err
	}
	defer start.Close()
	if _, err := lockFile(filepath.Join(dir, "users"), syscall.LOCK_SH); err != nil {
		return "", err
	}
	address := "postgres:///postgres?host=" + dir + "&user=postgres"
	if answers(address) == nil {
		return address, nil
	}
	if err := launch(dir, bin, owner); err != nil {
		return "", err
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := answers(address)
		if err == nil {
			return address, nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("PostgreSQL did not start, see %s: %w", filepath.Join(dir, "log"), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func answers(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// binaries is the directory with initdb and postgres: the newest one installed.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if _, err := exec.LookPath("flock"); err != nil {
		return "", fmt.Errorf("the command flock (package util-linux) is missing: %w", err)
	}
	best, newest := "", -1
	for _, path := range found {
		version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if version > newest {
			best, newest = filepath.Dir(path), version
		}
	}
	if best != "" {
		return best, nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL in /usr/lib/postgresql/*/bin and none in PATH")
	}
	return filepath.Dir(path), nil
}

// clusterOwner is whom the server runs as: it refuses to run as root, so then it is the user postgres.
func clusterOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("as root, PostgreSQL runs as the user postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// clusterDir makes the directory of the cluster: only its owner enters it, which is what
// keeps others away from a server that asks for no password. A socket's path must be short.
func clusterDir(owner *syscall.Credential) (string, error) {
	base := os.TempDir()
	if len(base) > 60 {
		base = "/tmp"
	}
	dir := filepath.Join(base, "hecate-postgres-"+strconv.Itoa(os.Geteuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	want := uint32(os.Geteuid())
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", err
		}
		want = owner.Uid
		info, err = os.Lstat(dir)
		if err != nil {
			return "", err
		}
	}
	if sys, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || sys.Uid != want || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s is not a private directory of ours", dir)
	}
	return dir, nil
}

// lockFile opens path and locks it; the lock lasts until the file is closed or the process ends.
func lockFile(path string, how int) (*os.File, error) {
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	for {
		err = syscall.Flock(fd, how)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if how == syscall.LOCK_SH {
		return nil, nil // held for the life of the process: never a file that is collected and so closed
	}
	return os.NewFile(uintptr(fd), path), nil
}

// launch makes a new cluster and starts it apart from this process.
func launch(dir, bin string, owner *syscall.Credential) error {
	data := filepath.Join(dir, "data")
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir = dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	run := exec.Command("/bin/sh", "-c", supervise, "hecate-test-postgres", dir, bin)
	run.Dir, run.Stdout, run.Stderr = dir, log, log
	run.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setsid: true}
	if err := run.Start(); err != nil {
		return err
	}
	return run.Process.Release()
}

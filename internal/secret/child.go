package secret

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// childMark is the argument that makes the program a child. It numbers the
	// protocol: a program replaced by another version while it runs is not understood.
	childMark = "hash-passwords-1"

	maxFrame    = 64 << 20 // bytes; request bodies are far smaller
	childMemory = 40 << 20 // bytes that a child keeps between two hashes, at most
)

// ChildCommand is the command line that starts this program as a child, for
// Config.Children. main must then look at IsChild before anything else.
func ChildCommand() ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("hashing in children: %w", err)
	}
	return []string{program, childMark}, nil
}

// IsChild reports whether args, the whole command line, is that of a child.
func IsChild(args []string) bool { return len(args) == 2 && args[1] == childMark }

// ServeChild is the main function of a child: it does the jobs that come in,
// one at a time, and writes their results to out, until in ends.
func ServeChild(in io.Reader, out io.Writer) error {
	yieldToParent()
	runtime.GOMAXPROCS(1)
	// Each hash leaves one large block of garbage. It is collected after the
	// answer, while nobody waits, so that the next hash takes the same memory.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(childMemory)
	requests := bufio.NewReader(in)
	for {
		id, j, err := readJob(requests)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		result, err := j.do()
		clear(j.text)
		if err != nil {
			return err
		}
		if err := writeFrame(out, id, result); err != nil {
			return err
		}
		runtime.GC()
	}
}

// A frame is the length of what follows, the number of the job, and a body. The
// body of a request is one byte (1: make), the length of hash, hash and text.

func writeJob(w io.Writer, id uint64, j job) error {
	body := make([]byte, 0, 5+len(j.hash)+len(j.text))
	body = append(body, 0)
	if j.make {
		body[0] = 1
	}
	body = binary.BigEndian.AppendUint32(body, uint32(len(j.hash)))
	body = append(append(body, j.hash...), j.text...)
	defer clear(body)
	return writeFrame(w, id, body)
}

func readJob(r io.Reader) (id uint64, j job, err error) {
	id, body, err := readFrame(r, maxFrame)
	if err != nil {
		return 0, job{}, err
	}
	if len(body) < 5 || uint64(binary.BigEndian.Uint32(body[1:5])) > uint64(len(body)-5) {
		return 0, job{}, errors.New("malformed request")
	}
	n := 5 + int(binary.BigEndian.Uint32(body[1:5]))
	return id, job{hash: string(body[5:n]), text: body[n:], make: body[0] == 1}, nil
}

func writeFrame(w io.Writer, id uint64, body []byte) error {
	if len(body) > maxFrame-8 {
		return errors.New("too long for a frame")
	}
	frame := make([]byte, 12, 12+len(body))
	binary.BigEndian.PutUint32(frame, uint32(8+len(body)))
	binary.BigEndian.PutUint64(frame[4:], id)
	frame = append(frame, body...)
	defer clear(frame)
	_, err := w.Write(frame)
	return err
}

// readFrame is io.EOF only where no frame begins.
func readFrame(r io.Reader, most int) (id uint64, body []byte, err error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 8 || uint64(n) > uint64(most) {
		return 0, nil, errors.New("malformed frame")
	}
	frame := make([]byte, n)
	if _, err := io.ReadFull(r, frame); err != nil {
		return 0, nil, fmt.Errorf("frame broken off: %v", err) // not io.EOF: there was a beginning
	}
	return binary.BigEndian.Uint64(frame), frame[8:], nil
}

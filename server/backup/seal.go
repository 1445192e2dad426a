package backup

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Frame is the most that one frame carries.
const Frame = 1 << 20

// Sizes of the format: the header is the magic, a nonce and the sealed key; a frame has
// its length in front of it.
const (
	magic      = "TENONBK1"
	keySize    = 32
	nonceSize  = 12
	tagSize    = 16
	headerSize = len(magic) + nonceSize + keySize + tagSize
)

// Errors of a reader.
var (
	ErrKey     = errors.New("backup: the recovery key does not open this file, or it is no backup")
	ErrChanged = errors.New("backup: the file was changed or is cut off")
)

// ParseKey reads a recovery key: 64 hexadecimal digits and nothing else but space.
func ParseKey(text []byte) ([]byte, error) {
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != keySize {
		return nil, errors.New("a recovery key is 64 hexadecimal digits, as openssl rand -hex 32 makes them")
	}
	return key, nil
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return cipher.NewGCM(block)
}

// nonceOf is that of a frame: its number, and whether it is the last.
func nonceOf(number uint64, last bool) []byte {
	nonce := make([]byte, nonceSize)
	binary.BigEndian.PutUint64(nonce[3:], number)
	if last {
		nonce[nonceSize-1] = 1
	}
	return nonce
}

// Writer seals what is written to it; Close writes the end.
type Writer struct {
	w      io.Writer
	aead   cipher.AEAD
	buffer []byte
	number uint64
}

// NewWriter writes the header of a stream.
func NewWriter(w io.Writer, recovery []byte) (*Writer, error) {
	wrap, err := sealer(recovery)
	if err != nil {
		return nil, err
	}
	key, head := make([]byte, keySize), append([]byte(magic), make([]byte, nonceSize)...)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	if _, err := rand.Read(head[len(magic):]); err != nil {
		return nil, err
	}
	aead, err := sealer(key)
	if err != nil {
		return nil, err
	}
	head = wrap.Seal(head, head[len(magic):], key, []byte(magic))
	_, err = w.Write(head)
	return &Writer{w: w, aead: aead, buffer: make([]byte, 0, Frame)}, err
}

// Write implements io.Writer.
func (w *Writer) Write(b []byte) (int, error) {
	total := len(b)
	for len(b) > 0 {
		if len(w.buffer) == Frame {
			if err := w.flush(false); err != nil {
				return total - len(b), err
			}
		}
		n := min(Frame-len(w.buffer), len(b))
		w.buffer, b = append(w.buffer, b[:n]...), b[n:]
	}
	return total, nil
}

func (w *Writer) flush(last bool) error {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(w.buffer)+tagSize)) //nolint:gosec // at most a frame
	out = w.aead.Seal(out, nonceOf(w.number, last), w.buffer, nil)
	w.number++
	w.buffer = w.buffer[:0]
	_, err := w.w.Write(out)
	return err
}

// Close seals the last frame; without it a reader says that the stream is cut off.
func (w *Writer) Close() error { return w.flush(true) }

// Reader opens a stream.
type Reader struct {
	r      io.Reader
	aead   cipher.AEAD
	plain  []byte // of the frame at hand
	number uint64
	last   bool
}

// NewReader reads the header of a stream.
func NewReader(r io.Reader, recovery []byte) (*Reader, error) {
	wrap, err := sealer(recovery)
	if err != nil {
		return nil, err
	}
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(magic)]) != magic {
		return nil, ErrKey
	}
	at := len(magic) + nonceSize
	key, err := wrap.Open(nil, head[len(magic):at], head[at:], []byte(magic))
	if err != nil {
		return nil, ErrKey
	}
	aead, err := sealer(key)
	return &Reader{r: r, aead: aead}, err
}

// Read implements io.Reader: io.EOF comes after the last frame alone.
func (r *Reader) Read(b []byte) (int, error) {
	for len(r.plain) == 0 {
		if r.last {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

func (r *Reader) next() error {
	var length [4]byte
	if _, err := io.ReadFull(r.r, length[:]); err != nil {
		return ended(err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < tagSize || n > Frame+tagSize {
		return ErrChanged
	}
	sealed := make([]byte, n)
	if _, err := io.ReadFull(r.r, sealed); err != nil {
		return ended(err)
	}
	for _, last := range []bool{false, true} {
		plain, err := r.aead.Open(nil, nonceOf(r.number, last), sealed, nil)
		if err == nil {
			r.plain, r.last = plain, last
			r.number++
			return r.nothingAfter()
		}
	}
	return ErrChanged
}

// nothingAfter refuses what stands behind the last frame.
func (r *Reader) nothingAfter() error {
	if !r.last {
		return nil
	}
	if n, err := r.r.Read(make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return ErrChanged
	}
	return nil
}

func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrChanged
	}
	return err
}

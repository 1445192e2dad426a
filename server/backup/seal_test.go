package backup_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"tenon/server/backup"
)

var recovery = bytes.Repeat([]byte{7}, 32)

func sealed(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := backup.NewWriter(&b, recovery)
	if err == nil {
		_, err = w.Write(content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(file, key []byte) ([]byte, error) {
	r, err := backup.NewReader(bytes.NewReader(file), key)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// TestSeal: what was written is read, by the recovery key alone, and nothing else is.
func TestSeal(t *testing.T) {
	t.Parallel()
	content := make([]byte, 2*backup.Frame+77)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	for _, size := range []int{0, 1, backup.Frame, len(content)} {
		if got, err := opened(sealed(t, content[:size]), recovery); err != nil || !bytes.Equal(got, content[:size]) {
			t.Errorf("%d bytes: %d read, %v", size, len(got), err)
		}
	}
	file := sealed(t, content)
	if _, err := opened(file, bytes.Repeat([]byte{8}, 32)); !errors.Is(err, backup.ErrKey) {
		t.Errorf("attack: another key = %v, want ErrKey", err)
	}
	const head, frame = 8 + 12 + 48, 4 + backup.Frame + 16
	for name, bad := range map[string][]byte{
		"cut off":              file[:len(file)-1],
		"without its end":      file[:head+frame],
		"at a frame's end":     file[:head+2*frame],
		"with more behind it":  append(bytes.Clone(file), 0),
		"a frame twice":        append(bytes.Clone(file[:head+frame]), file[head:]...),
		"a frame left out":     append(bytes.Clone(file[:head]), file[head+frame:]...),
		"a bit in the content": flipped(file, head+1000),
		"a bit in a length":    flipped(file, head+3),
	} {
		if got, err := opened(bad, recovery); !errors.Is(err, backup.ErrChanged) || !bytes.HasPrefix(content, got) {
			t.Errorf("%s: %d bytes, %v, want ErrChanged", name, len(got), err)
		}
	}
}

func flipped(file []byte, at int) []byte {
	b := bytes.Clone(file)
	b[at] ^= 1
	return b
}

// FuzzReader: no file opens but one that was sealed with the key.
func FuzzReader(f *testing.F) {
	good := sealed(f, []byte("content"))
	f.Add(good)
	f.Add(good[:70])
	f.Add([]byte("TENONBK1"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if got, err := opened(file, recovery); err == nil && string(got) != "content" {
			t.Errorf("%q was read out of a file that nobody sealed", got)
		}
	})
}

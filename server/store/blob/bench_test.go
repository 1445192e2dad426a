package blob_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"tenon/server/store/blob"
)

// BenchmarkKeep compares Stage+Sync with the plain durable way: write a file
// of its own, fsync it, rename it, fsync the directory. No encryption, no
// digest there.
//
//	go test ./server/store/blob -run '^$' -bench Keep -benchtime 200x
func BenchmarkKeep(b *testing.B) {
	for _, size := range []int{4 << 10, 512 << 10, 16 << 20} {
		for _, clients := range []int{1, 8} {
			name := fmt.Sprintf("%dkB/%d clients", size>>10, clients)
			b.Run(name+"/tenon", func(b *testing.B) {
				s := open(b, b.TempDir(), blob.Options{})
				keep(b, size, clients, func(_ int64, body []byte) error {
					if _, err := s.Stage(b.Context(), bytes.NewReader(body), 0); err != nil {
						return err
					}
					return s.Sync(b.Context())
				})
			})
			b.Run(name+"/plain", func(b *testing.B) {
				dir := b.TempDir()
				keep(b, size, clients, func(n int64, body []byte) error {
					return plainFile(filepath.Join(dir, fmt.Sprint(n)), body)
				})
			})
		}
	}
}

func keep(b *testing.B, size, clients int, put func(int64, []byte) error) {
	base := content(1, size)
	var n atomic.Int64
	b.SetBytes(int64(size))
	b.SetParallelism((clients + 1) / 2) // times GOMAXPROCS, 2 on the machine of record
	b.RunParallel(func(pb *testing.PB) {
		body := append([]byte(nil), base...)
		for pb.Next() {
			i := n.Add(1)
			copy(body, fmt.Sprintf("%20d", i))
			if err := put(i, body); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func plainFile(path string, body []byte) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	if _, err = f.Write(body); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return blob.OS{}.SyncDir(filepath.Dir(path))
}

func BenchmarkRead(b *testing.B) {
	s := open(b, b.TempDir(), blob.Options{})
	for _, size := range []int{4 << 10, 512 << 10, 16 << 20} {
		d := stage(b, s, content(2, size))
		b.Run(fmt.Sprintf("%dkB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := read(s, d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"testing"

	"tenon/server/record"
	"tenon/server/store/blob"
)

var fuzzKey = bytes.Repeat([]byte{3}, 32)

// FuzzOpen opens a folder with any bytes as segment and index. Whatever reads
// out of it has the digest that it was asked by.
func FuzzOpen(f *testing.F) {
	d := newDisk()
	s, err := blob.Open("/blobs", blob.Options{FS: d, Key: fuzzKey, Random: pattern{}})
	if err != nil {
		f.Fatal(err)
	}
	for i, size := range []int{0, 10, 300} {
		stage(f, s, content(uint64(i), size))
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	var segment, index []byte
	for name, n := range d.names {
		if n := n.now; bytes.HasSuffix([]byte(name), []byte(".seg")) {
			segment = n
		} else {
			index = n
		}
	}
	f.Add(segment, index)
	f.Add(segment[:len(segment)/2], index)
	f.Add(segment, index[:20])
	f.Fuzz(func(t *testing.T, segment, index []byte) {
		for _, readOnly := range []bool{true, false} {
			openAny(t, segment, index, readOnly)
		}
	})
}

func openAny(t *testing.T, segment, index []byte, readOnly bool) {
	d := newDisk()
	d.names["/blobs/main/00000001-00000000.seg"] = &inode{now: bytes.Clone(segment)}
	d.names["/blobs/main/00000001-00000000.idx"] = &inode{now: bytes.Clone(index)}
	s, err := blob.Open("/blobs", blob.Options{FS: d, Key: fuzzKey, ReadOnly: readOnly, Random: pattern{}})
	if err != nil {
		t.Fatal(err)
	}
	var all []record.BlobRow
	s.Each(func(row record.BlobRow) { all = append(all, row) })
	for _, row := range all {
		r, err := s.Open(context.Background(), row.Digest)
		if err != nil {
			continue
		}
		sum := sha256.New()
		if n, err := io.Copy(sum, r); err == nil && (n != r.Size() || [32]byte(sum.Sum(nil)) != row.Digest) {
			t.Errorf("%x reads other bytes", row.Digest)
		}
		_ = r.Close()
	}
	if !readOnly {
		id := stage(t, s, []byte("still works"))
		if _, err := read(s, id); err != nil {
			t.Error(err)
		}
	}
}

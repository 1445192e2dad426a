package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An index file: magic, the length of the segment that it covers, and for each
// object digest, offset and size; then the SHA-256 of all that. It is a cache:
// a damaged one is as good as none, since the segment is scanned then, and what
// it says of an object is proven by the object's header.
const (
	indexMagic = "TNNIDX01"
	indexHead  = 16
	indexItem  = 48
)

func indexName(segmentName string) string {
	return strings.TrimSuffix(segmentName, segmentSuffix) + indexSuffix
}

// writeIndex replaces the index of a segment whose bytes are durable.
func (s *Store) writeIndex(g *segment) error {
	text := make([]byte, 0, indexHead+indexItem*len(g.objects)+sha256.Size)
	text = append(text, indexMagic...)
	text = binary.BigEndian.AppendUint64(text, uint64(g.end)) //nolint:gosec // never negative
	for _, it := range g.objects {
		text = append(text, it.digest[:]...)
		text = binary.BigEndian.AppendUint64(text, uint64(it.offset)) //nolint:gosec // never negative
		text = binary.BigEndian.AppendUint64(text, uint64(it.size))   //nolint:gosec // never negative
	}
	sum := sha256.Sum256(text)
	text = append(text, sum[:]...)
	name := s.path(indexName(g.name))
	f, err := s.opt.FS.Write(name + ".new")
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	_, werr := f.WriteAt(text, 0)
	if err := errors.Join(werr, f.Truncate(int64(len(text))), f.Close()); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return s.opt.FS.Rename(name+".new", name)
}

// readIndex gives what the index file of a segment covers; nothing when there
// is none or it is damaged.
func (s *Store) readIndex(segmentName string) ([]item, int64) {
	f, err := s.opt.FS.Open(s.path(indexName(segmentName)))
	if err != nil {
		return nil, 0
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	const least = indexHead + sha256.Size
	if err != nil || size < least || (size-least)%indexItem != 0 || size > 1<<31 {
		return nil, 0
	}
	text := make([]byte, size)
	if _, err := f.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0
	}
	body := text[:size-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], text[len(body):]) || string(body[:8]) != indexMagic {
		return nil, 0
	}
	end := int64(binary.BigEndian.Uint64(body[8:])) //nolint:gosec // checked below
	items := make([]item, 0, (len(body)-indexHead)/indexItem)
	for at := indexHead; at < len(body); at += indexItem {
		it := item{
			digest: [32]byte(body[at:]),
			offset: int64(binary.BigEndian.Uint64(body[at+32:])), //nolint:gosec // checked below
			size:   int64(binary.BigEndian.Uint64(body[at+40:])), //nolint:gosec // checked below
		}
		if it.offset < 0 || it.size < 0 || it.size > maxSize || it.offset > end || extent(it.size) > end-it.offset {
			return nil, 0
		}
		items = append(items, it)
	}
	return items, max(end, 0)
}

package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"tenon/fhir/issue"
	"tenon/server/record"
)

// Stage implements record.Blobs. It holds one frame in memory, whatever the
// size of the content.
func (s *Store) Stage(ctx context.Context, r io.Reader, limit int64) (record.BlobRow, error) {
	row, err := s.stage(ctx, r, limit)
	if errors.Is(err, syscall.ENOSPC) {
		err = record.Full(err)
	}
	return row, err
}

func (s *Store) stage(ctx context.Context, r io.Reader, limit int64) (record.BlobRow, error) {
	if s.opt.ReadOnly {
		return record.BlobRow{}, errors.New("blob: the store is open for reading only")
	}
	if limit > 0 {
		r = io.LimitReader(r, limit+1)
	}
	buf := s.plain.Get().(*[]byte)
	defer s.plain.Put(buf)
	n, err := io.ReadFull(r, *buf)
	switch {
	case limit > 0 && int64(n) > limit:
		return record.BlobRow{}, tooLong(limit)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return s.stageSmall((*buf)[:n])
	case err != nil:
		return record.BlobRow{}, fmt.Errorf("blob: read content: %w", err)
	}
	return s.stageLarge(ctx, r, *buf, limit)
}

func tooLong(limit int64) error {
	return issue.Errorf(issue.TooLong, "the content is longer than the limit of %d bytes; send a smaller one", limit).
		Rule("content-too-long")
}

// stageSmall stores a content of at most one frame with one write.
func (s *Store) stageSmall(plain []byte) (record.BlobRow, error) {
	row := record.BlobRow{Digest: sha256.Sum256(plain), Size: int64(len(plain))}
	if known, err := s.met(row.Digest); known || err != nil {
		return row, err
	}
	h, err := s.crypt.fresh()
	if err != nil {
		return row, err
	}
	h.digest, h.size = row.Digest, row.Size
	f, err := s.crypt.frames(h)
	if err != nil {
		return row, err
	}
	out := s.sealed.Get().(*[]byte)
	defer s.sealed.Put(out)
	object := (*out)[:headerSize]
	s.sealing.RLock()
	defer s.sealing.RUnlock()
	if err := s.crypt.sealHeader(object, h); err != nil {
		return row, err
	}
	if len(plain) > 0 {
		object = f.seal(object, plain, 0)
	}
	g, err := s.lease()
	if err != nil {
		return row, err
	}
	if _, err := g.file.WriteAt(object, g.end); err != nil {
		return row, errors.Join(fmt.Errorf("blob: %w", err), s.abandon(g))
	}
	return row, s.publish(g, item{row.Digest, g.end, row.Size})
}

// stageLarge streams frames to the end of a segment; the header, which needs
// the digest, is written last into the gap before them.
func (s *Store) stageLarge(ctx context.Context, r io.Reader, buf []byte, limit int64) (record.BlobRow, error) {
	g, err := s.lease()
	if err != nil {
		return record.BlobRow{}, err
	}
	h, err := s.writeFrames(ctx, g, r, buf, limit)
	row := record.BlobRow{Digest: h.digest, Size: h.size}
	if err != nil {
		return row, errors.Join(err, s.abandon(g))
	}
	if known, err := s.met(row.Digest); known || err != nil {
		return row, errors.Join(err, s.abandon(g))
	}
	head := make([]byte, headerSize)
	s.sealing.RLock()
	defer s.sealing.RUnlock()
	if err := s.crypt.sealHeader(head, h); err != nil {
		return row, errors.Join(err, s.abandon(g))
	}
	if _, err := g.file.WriteAt(head, g.end); err != nil {
		return row, errors.Join(fmt.Errorf("blob: %w", err), s.abandon(g))
	}
	return row, s.publish(g, item{row.Digest, g.end, row.Size})
}

// writeFrames writes the full frame in buf and what follows it in r.
func (s *Store) writeFrames(ctx context.Context, g *segment, r io.Reader, buf []byte, limit int64) (header, error) {
	h, err := s.crypt.fresh()
	if err != nil {
		return h, err
	}
	f, err := s.crypt.frames(h)
	if err != nil {
		return h, err
	}
	out := s.sealed.Get().(*[]byte)
	defer s.sealed.Put(out)
	digest, at, n, end := sha256.New(), g.end+headerSize, len(buf), error(nil)
	for number := int64(0); n > 0; number++ {
		if h.size += int64(n); limit > 0 && h.size > limit {
			return h, tooLong(limit)
		}
		if err := ctx.Err(); err != nil {
			return h, err
		}
		var hashed sync.WaitGroup // hashing takes as long as sealing and writing
		hashed.Go(func() { digest.Write(buf[:n]) })
		sealed := f.seal((*out)[:0], buf[:n], number)
		_, err := g.file.WriteAt(sealed, at)
		if hashed.Wait(); err != nil {
			return h, fmt.Errorf("blob: %w", err)
		}
		at += int64(len(sealed))
		if end != nil {
			break
		}
		n, end = io.ReadFull(r, buf)
		if end != nil && !errors.Is(end, io.EOF) && !errors.Is(end, io.ErrUnexpectedEOF) {
			return h, fmt.Errorf("blob: read content: %w", end)
		}
	}
	h.digest = [32]byte(digest.Sum(nil))
	return h, nil
}

// met tells whether the content is already kept and whole. What this process
// did not store itself is read before it is relied on: another process may have
// swept it, or the disk may have lost it, and the copy at hand heals that.
func (s *Store) met(digest [32]byte) (bool, error) {
	s.mu.Lock()
	p, ok := s.index[digest]
	_, fresh := s.touched[digest]
	s.mu.Unlock()
	if !ok {
		return false, nil
	}
	if !fresh {
		if err := s.check(p, digest); err != nil {
			return false, s.forget(digest, p)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index[digest] != p { // moved or swept meanwhile
		return false, nil
	}
	s.touched[digest] = s.opt.Clock()
	if p.segment.foreign {
		p.segment.dirty, s.created = true, true // its own process may not have synced it
	}
	return true, s.failed
}

package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"tenon/fhir/terminology"
	"tenon/server/revision"
)

// chunkSize is how many concepts one row holds.
const chunkSize = 1000

// BeginSystem implements revision.Loading.
func (s *Store) BeginSystem(ctx context.Context, url, version string) (key int64, err error) {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return 0, err
	}
	if err := s.sweepSystems(ctx, tenant); err != nil {
		return 0, err
	}
	err = s.engine.update(ctx, func(q querier) error {
		_, err := one(ctx, q, "INSERT INTO code_system (tenant, added, concepts, ready, url, version) VALUES (?, ?, 0, 0, ?, ?) RETURNING key",
			[]any{tenant, micros(s.o.Clock()), url, version}, &key)
		return err
	})
	return key, err
}

func (s *Store) sweepSystems(ctx context.Context, tenant int64) error {
	return s.sweep(ctx, tenant, "code_system", "concept_chunk", "code_system")
}

// conceptSink fills a code system; memory holds one chunk.
type conceptSink struct {
	s     *Store
	key   int64
	seq   int64
	n     int64 // in chunk
	total int64
	chunk []byte
}

// ConceptSink implements revision.Loading.
func (s *Store) ConceptSink(key int64) revision.ConceptSink { return &conceptSink{s: s, key: key} }

// Total is how many concepts were added.
func (w *conceptSink) Total() int64 { return w.total }

// Add takes one concept.
func (w *conceptSink) Add(ctx context.Context, c *terminology.Concept) error {
	w.chunk = appendConcept(w.chunk, c)
	w.total++
	if w.n++; w.n < chunkSize {
		return nil
	}
	return w.flush(ctx)
}

// Close writes what is left.
func (w *conceptSink) Close(ctx context.Context) error {
	if w.n == 0 {
		return nil
	}
	return w.flush(ctx)
}

func (w *conceptSink) flush(ctx context.Context) error {
	err := w.s.engine.update(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO concept_chunk (code_system, seq, body) VALUES (?, ?, ?)", []any{w.key, w.seq, packed(w.chunk)}); err != nil {
			return err
		}
		_, err := q.exec(ctx, "UPDATE code_system SET concepts = ? WHERE key = ?", []any{w.total, w.key})
		return err
	})
	w.seq, w.n, w.chunk = w.seq+1, 0, w.chunk[:0]
	return err
}

// Concepts implements revision.Store. A chunk is in memory at a time.
func (s *Store) Concepts(ctx context.Context, system revision.System, visit func(*terminology.Concept) error) error {
	for seq := int64(0); ; seq++ {
		var body []byte
		found := false
		err := s.engine.read(ctx, short, func(q querier) (err error) {
			found, err = one(ctx, q, "SELECT body FROM concept_chunk WHERE code_system = ? AND seq = ?", []any{system.Key, seq}, &body)
			return err
		})
		if err != nil || !found {
			return err
		}
		if body, err = unpacked(body); err != nil {
			return err
		}
		if err := eachConcept(body, visit); err != nil {
			return err
		}
	}
}

// A concept in a chunk: code, display and definition, a byte of flags, then
// parents, designations (language, use, value) and properties (code, type,
// value), each with its count before it. Texts have their length before them,
// numbers are varints.
const (
	flagInactive = 1 << iota
	flagAbstract
)

func appendConcept(b []byte, c *terminology.Concept) []byte {
	b = appendTexts(b, c.Code, c.Display, c.Definition)
	flags := byte(0)
	if c.Inactive {
		flags |= flagInactive
	}
	if c.Abstract {
		flags |= flagAbstract
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(len(c.Parents)))
	b = appendTexts(b, c.Parents...)
	b = binary.AppendUvarint(b, uint64(len(c.Designations)))
	for _, d := range c.Designations {
		b = appendTexts(b, d.Language, d.Use, d.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Properties)))
	for _, p := range c.Properties {
		b = appendTexts(b, p.Code, p.Type, p.Value)
	}
	return b
}

func appendTexts(b []byte, texts ...string) []byte {
	for _, t := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	return b
}

var errChunk = errors.New("store: a chunk of concepts is broken")

// eachConcept visits the concepts of a chunk, whose texts stay in memory with
// whoever keeps one.
func eachConcept(body []byte, visit func(*terminology.Concept) error) error {
	r := &chunkReader{rest: string(body)}
	for r.rest != "" {
		c := &terminology.Concept{Code: r.text(), Display: r.text(), Definition: r.text()}
		flags := r.flags()
		c.Inactive, c.Abstract = flags&flagInactive != 0, flags&flagAbstract != 0
		for range r.count() {
			c.Parents = append(c.Parents, r.text())
		}
		for range r.count() {
			c.Designations = append(c.Designations, terminology.Designation{Language: r.text(), Use: r.text(), Value: r.text()})
		}
		for range r.count() {
			c.Properties = append(c.Properties, terminology.Property{Code: r.text(), Type: r.text(), Value: r.text()})
		}
		if r.broken {
			return errChunk
		}
		if err := visit(c); err != nil {
			return fmt.Errorf("concept %q: %w", c.Code, err)
		}
	}
	return nil
}

type chunkReader struct {
	rest   string
	broken bool
}

func (r *chunkReader) text() string {
	n := r.count()
	if n > len(r.rest) {
		r.broken, r.rest = true, ""
		return ""
	}
	t := r.rest[:n]
	r.rest = r.rest[n:]
	return t
}

func (r *chunkReader) flags() byte {
	if r.rest == "" {
		r.broken = true
		return 0
	}
	f := r.rest[0]
	r.rest = r.rest[1:]
	return f
}

// count reads a number, which is never more than what is left.
func (r *chunkReader) count() int {
	var n uint64
	for shift := uint(0); shift < 35; shift += 7 {
		f := r.flags()
		n |= uint64(f&0x7f) << shift
		if f < 0x80 {
			if n > uint64(len(r.rest)) {
				break
			}
			return int(n)
		}
	}
	r.broken, r.rest = true, ""
	return 0
}

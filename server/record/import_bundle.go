package record

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// importBundle carries out a transaction or batch, once for the same bytes.
func (r *Recorder) importBundle(ctx context.Context, who *access.Context, line Line, root tree.Node) (Imported, error) {
	batch := root.Path("type").Str() == "batch"
	var m Imported
	var writes []entry
	for _, e := range r.entries(root) {
		switch {
		case e.fault != nil && !batch:
			return m, e.fault
		case e.fault != nil:
			m.Failed = append(m.Failed, FailedLine{line.Source, line.N, e.fault})
		case e.asked == nil:
			writes = append(writes, e)
		}
	}
	if len(writes) == 0 {
		return m, nil
	}
	digest := sha256.Sum256(line.Body)
	if batch {
		done, err := r.importEntries(ctx, who, line, writes, digest)
		m.add(done)
		return m, err
	}
	d := &Draft{Door: "fhir", Operation: "import", Keys: []Key{{Door: "import", Key: hex.EncodeToString(digest[:]), Digest: digest, Ref: "imported"}}}
	places := make([]int, 0, len(writes))
	for _, e := range sortedEntries(writes) {
		d.Ops = append(d.Ops, e.op)
		places = append(places, e.place)
	}
	out, err := r.submit(ctx, who, d, internal{names: true})
	if err != nil {
		return Imported{}, renumber(err, places)
	}
	if out.Repeat != "" {
		return Imported{Same: int64(len(writes))}, nil
	}
	return Imported{Written: int64(len(writes))}, nil
}

// sortedEntries are the entries of a transaction in the order of processing.
func sortedEntries(writes []entry) []entry {
	slices.SortStableFunc(writes, func(a, b entry) int { return order[a.op.Method] - order[b.op.Method] })
	return writes
}

// entriesAtOnce is how many entries of a batch are written at the same time, so
// that one sync of the disk serves several: they do not depend on each other
// (https://hl7.org/fhir/R4/http.html#brules).
const entriesAtOnce = 8

// importEntries carries out the entries of a batch, each for itself and once.
func (r *Recorder) importEntries(ctx context.Context, who *access.Context, line Line, writes []entry, digest [32]byte) (Imported, error) {
	return atOnce(ctx, entriesAtOnce, writes, func(e entry) (Imported, error) {
		d := &Draft{Door: "fhir", Operation: "import", Ops: []Op{e.op},
			Keys: []Key{{Door: "import", Key: fmt.Sprintf("%x/%d", digest, e.place), Digest: digest, Ref: "imported"}}}
		out, err := r.submit(ctx, who, d, internal{names: true})
		switch {
		case err != nil && !refused(err):
			return Imported{}, err
		case err != nil:
			f := issue.As(err)
			f.Issues[0].Path = fmt.Sprintf("Bundle.entry[%d] %s", e.place, f.Issues[0].Path)
			return Imported{Failed: []FailedLine{{line.Source, line.N, f}}}, nil
		case out.Repeat != "":
			return Imported{Same: 1}, nil
		}
		return Imported{Written: 1}, nil
	})
}

// ImportSeveral imports batches of lines, so many at the same time. Lines that
// have to do with each other must not be in different ones: Lines.Window parts
// them so.
func (r *Recorder) ImportSeveral(ctx context.Context, who *access.Context, source string, batches [][]Line, parallel int) (Imported, error) {
	return atOnce(ctx, parallel, batches, func(lines []Line) (Imported, error) { return r.Import(ctx, who, source, lines) })
}

// atOnce does pieces of an import, so many at the same time, and begins no other
// after a fault.
func atOnce[T any](ctx context.Context, parallel int, pieces []T, do func(T) (Imported, error)) (Imported, error) {
	var all Imported
	var faults []error
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(parallel, 1))
	for _, piece := range pieces {
		slots <- struct{}{}
		mu.Lock()
		stop := len(faults) > 0 || ctx.Err() != nil
		mu.Unlock()
		if stop {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			done, err := do(piece)
			mu.Lock()
			defer mu.Unlock()
			all.add(done)
			if err != nil {
				faults = append(faults, err)
			}
		})
	}
	wg.Wait()
	slices.SortStableFunc(all.Failed, func(a, b FailedLine) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.N, b.N))
	})
	return all, errors.Join(append(faults, ctx.Err())...)
}

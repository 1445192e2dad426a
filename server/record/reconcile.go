package record

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// Each party keeps a database of its own of what was exchanged (clause 5.4.1): a
// bulk export is such a replica. Reconciliation compares what a party keeps with
// what this server would export to the same caller, resource by resource: no
// difference is the proof that nothing was lost, added or changed on either side.

// Kept is one resource of a manifest.
type Kept struct {
	Reference string `json:"reference"` // Type/id
	Version   string `json:"version"`   // meta.versionId
	Digest    string `json:"digest"`    // hex SHA-256, see KeptOf
}

// KeptOf is what a manifest says of a resource as an export gives it. The digest
// is that of its JSON without white space between the tokens and without the
// labels of its grade, which are no part of the record.
func KeptOf(body []byte) (Kept, error) {
	root, err := parsed(body)
	if err != nil {
		return Kept{}, err
	}
	k := Kept{Reference: root.Field("resourceType").Str() + "/" + root.Field("id").Str(), Version: strings.Clone(root.Path("meta", "versionId").Str())} // body may be used again
	if root, err = unlabelled(root); err != nil {
		return Kept{}, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, root.Doc().Src()); err != nil {
		return Kept{}, err
	}
	sum := sha256.Sum256(b.Bytes())
	k.Digest = hex.EncodeToString(sum[:])
	return k, nil
}

// ReconcileQuery says what is compared.
type ReconcileQuery struct {
	Types []string  // empty: all that the caller may read
	Until time.Time // as of this time (transactionTime of the export); zero: now
}

// Manifest tells emit, in order of type, of every resource that an export of the
// system would give the caller. Failures: those of CheckExport; region-abroad.
func (r *Recorder) Manifest(ctx context.Context, who *access.Context, q ReconcileQuery, emit func(Kept) error) error {
	if r.o.Exports == nil {
		return issue.Errorf(issue.NotSupported, "This server exports nothing.").WithStatus(501)
	}
	if err := who.PermitAll(access.Read); err != nil {
		return err
	}
	asked := ExportRequest{Level: "system", Types: q.Types}
	if err := r.CheckExport(ctx, who, &asked); err != nil {
		return err
	}
	until, err := r.o.Exports.RaiseFloor(ctx, r.now())
	if err != nil {
		return err
	}
	if !q.Until.IsZero() && q.Until.Before(until) {
		until = q.Until
	}
	if err := r.o.Store.Audit(ctx, []Audit{r.audit(who, "E", "reconcile", "$reconcile", 200)}); err != nil {
		return fmt.Errorf("record: audit: %w", err)
	}
	told := map[string]bool{}
	for _, typ := range asked.Types {
		if err := r.manifestOf(ctx, who, typ, until, told, emit); err != nil {
			return err
		}
	}
	return nil
}

func (r *Recorder) manifestOf(ctx context.Context, who *access.Context, typ string, until time.Time, told map[string]bool, emit func(Kept) error) error {
	q := ExportQuery{Type: typ, Reach: who.Reach(), Until: until, Count: 500, Bytes: 8 << 20}
	for {
		page, err := r.o.Exports.Export(ctx, q)
		if err != nil {
			return err
		}
		if err := r.tellKept(ctx, who, page.Versions, told); err != nil {
			return err
		}
		for i := range page.Versions {
			k, err := KeptOf(page.Versions[i].Body)
			if err == nil {
				err = emit(k)
			}
			if err != nil {
				return err
			}
		}
		if !page.More {
			return nil
		}
		q.After = page.Next
	}
}

// tellKept audits of whom a page tells, each patient once, before it leaves.
func (r *Recorder) tellKept(ctx context.Context, who *access.Context, page []Version, told map[string]bool) error {
	var rows []Audit
	for i := range page {
		if p := page[i].Patient; p != "" && !told[p] {
			told[p] = true
			row := r.audit(who, "E", "reconcile", "$reconcile", 200)
			row.Patient = p
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return fmt.Errorf("record: audit: %w", err)
	}
	return nil
}

// MostKept bounds the resources of a party's manifest, which is held in memory.
const MostKept = 1_000_000

// mostLine bounds a line of a manifest.
const mostLine = 4 << 10

// ReadManifest reads a manifest, one Kept a line (NDJSON). Failures: structure
// (400) with the line, too-costly (413).
func ReadManifest(body io.Reader) (map[string]Kept, error) {
	all := map[string]Kept{}
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, mostLine), mostLine)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var k Kept
		typ, id, ok := "", "", false
		if err := json.Unmarshal(lines.Bytes(), &k); err == nil {
			typ, id, ok = cutRef(k.Reference)
		}
		if _, twice := all[k.Reference]; !ok || typ == "" || id == "" || len(k.Digest) != 2*sha256.Size || twice {
			return nil, issue.Errorf(issue.Structure, "Line %d of the manifest is no {\"reference\", \"version\", \"digest\"} with a reference that comes once.", n).
				WithStatus(400).Rule("reconcile-manifest").Chinese(fmt.Sprintf("清单第 %d 行无效。", n))
		}
		if len(all) == MostKept {
			return nil, issue.Errorf(issue.TooCostly, "A manifest has %d lines at most; reconcile type by type (_type).", MostKept).
				WithStatus(413).Rule("reconcile-manifest").Chinese("清单过大，请按资源类型核对。")
		}
		all[k.Reference] = k
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, issue.Errorf(issue.Structure, "Line %d of the manifest is too long.", n+1).WithStatus(400).Rule("reconcile-manifest").Chinese("清单行过长。")
	} else if err != nil {
		return nil, err
	}
	return all, nil
}

// Reconciliation is what a comparison found.
type Reconciliation struct {
	Ours, Theirs, Same    int
	Missing, Extra, Other []string // references: theirs lack, only theirs have, differ; sorted
}

// Difference is how many resources differ; 0 is the proof.
func (r *Reconciliation) Difference() int { return len(r.Missing) + len(r.Extra) + len(r.Other) }

// take compares one resource of ours with a party's manifest, and ticks it off.
func (r *Reconciliation) take(ours Kept, theirs map[string]Kept) {
	r.Ours++
	kept, there := theirs[ours.Reference]
	switch {
	case !there:
		r.Missing = append(r.Missing, ours.Reference)
	case kept.Version != ours.Version || !strings.EqualFold(kept.Digest, ours.Digest):
		r.Other = append(r.Other, ours.Reference)
	default:
		r.Same++
	}
	delete(theirs, ours.Reference)
}

// end tells what only they have.
func (r *Reconciliation) end(theirs map[string]Kept) *Reconciliation {
	for ref := range theirs {
		r.Extra = append(r.Extra, ref)
	}
	for _, list := range [][]string{r.Missing, r.Extra, r.Other} {
		slices.Sort(list)
	}
	return r
}

// Compare compares two manifests; theirs is used up.
func Compare(ours, theirs map[string]Kept) *Reconciliation {
	out := &Reconciliation{Theirs: len(theirs)}
	for _, k := range ours {
		out.take(k, theirs)
	}
	return out.end(theirs)
}

// Reconcile compares a party's manifest with what the caller would be exported;
// theirs is used up.
func (r *Recorder) Reconcile(ctx context.Context, who *access.Context, q ReconcileQuery, theirs map[string]Kept) (*Reconciliation, error) {
	out := &Reconciliation{Theirs: len(theirs)}
	err := r.Manifest(ctx, who, q, func(ours Kept) error {
		out.take(ours, theirs)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out.end(theirs), nil
}

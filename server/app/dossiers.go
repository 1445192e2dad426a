package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"tenon/dicomweb/index"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
	"tenon/server/record"
)

// dossiers writes the provable export of a case.
type dossiers struct{ a *App }

// Write implements record.Dossiers: every version of every member and of the
// people and organisations that it names, the audit of the case, the files, and
// the proofs. What was committed a moment ago is sequenced first.
func (d dossiers) Write(ctx context.Context, w io.Writer, data *record.CaseData, snapshot *casework.Snapshot, report casework.Report) error {
	out := &ledger.Dossier{
		Case: "Task/" + data.Case, Base: d.a.Config.BaseURL, Title: "Case " + data.Case,
		Created: d.a.clock().UTC(), Whole: true, Content: d.a.content, Since: d.a.exports(), Anchors: d.a.Store,
	}
	out.Summary = (&summary{s: snapshot, report: report, base: d.a.Config.BaseURL}).write
	newest, err := d.a.Store.NewestAnchors(ctx) // so that what a witness keeps can be held against the dossier
	if err != nil {
		return err
	}
	for _, n := range newest {
		if !slices.Contains(out.Since, n.Size) {
			out.Since = append(out.Since, n.Size)
		}
	}
	for _, v := range append(append([]record.Version(nil), data.Members...), data.Directory...) {
		if v.Type == "Patient" && out.Subject == "" {
			out.Subject = "Patient/" + v.ID
		}
		if err := d.history(ctx, out, v.Type, v.ID); err != nil {
			return err
		}
		if err := d.images(ctx, out, &v); err != nil {
			return err
		}
	}
	if err := d.gone(ctx, out, data.Case); err != nil {
		return err
	}
	if err := d.signatures(ctx, out, data); err != nil {
		return err
	}
	if err := d.audit(ctx, out, data.Case); err != nil {
		return err
	}
	for range 20 {
		if _, err := d.a.sequencer.Once(ctx); err != nil {
			return err
		}
		err := out.Write(ctx, w, d.a.Store, d.a.keys)
		if !errors.Is(err, ledger.ErrUnsequenced) {
			return err
		}
		time.Sleep(50 * time.Millisecond) // another server holds the log
	}
	return errors.New("app: the log does not catch up")
}

// signatures adds those that were put in another case, such as the ones under a
// standing agreement.
func (d dossiers) signatures(ctx context.Context, out *ledger.Dossier, data *record.CaseData) error {
	there := map[string]bool{}
	for _, m := range data.Members {
		there[m.Type+"/"+m.ID] = true
	}
	for _, s := range data.Signatures {
		if ref := "Provenance/" + s.Provenance; !there[ref] {
			there[ref] = true
			if err := d.history(ctx, out, "Provenance", s.Provenance); err != nil {
				return err
			}
		}
	}
	return nil
}

// history adds all versions of one resource, oldest first, and their contents.
func (d dossiers) history(ctx context.Context, out *ledger.Dossier, typ, id string) error {
	var versions []record.Version
	for before := int64(0); ; {
		page, err := d.a.Store.History(ctx, access.Everything{}, typ, id, before, 200)
		if err != nil {
			return err
		}
		versions = append(versions, page...)
		if len(page) < 200 {
			break
		}
		before = page[len(page)-1].Version
	}
	for i := len(versions) - 1; i >= 0; i-- {
		v := &versions[i]
		if v.Deleted && v.Salt == ([16]byte{}) {
			continue // destroyed: its certificate accounts for it
		}
		out.Versions = append(out.Versions, ledger.VersionRow{
			Type: v.Type, ID: v.ID, Version: v.Version, Updated: v.Updated, Deleted: v.Deleted, Body: v.Body, Digest: v.Digest, Salt: v.Salt,
		})
		if v.Blob == "" {
			continue
		}
		if err := d.blob(ctx, out, v); err != nil {
			return err
		}
	}
	return nil
}

// images adds the DICOM files of a study: inside the dossier while the whole study
// is small, else by digest and size, and the files travel beside it.
func (d dossiers) images(ctx context.Context, out *ledger.Dossier, v *record.Version) error {
	if v.Type != "ImagingStudy" {
		return nil
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		return err
	}
	for id := range doc.Root().Field("identifier").Items() {
		study, found := strings.CutPrefix(id.Field("value").Str(), "urn:oid:")
		if !found || id.Field("system").Str() != "urn:dicom:uid" {
			continue
		}
		first, size := len(out.Blobs), int64(0)
		for held, err := range d.a.Store.Images().Instances(ctx, access.Everything{}, index.Key{Study: study}) {
			if err != nil {
				return err
			}
			content := held.Instance.Content
			size += content.Size
			out.Blobs = append(out.Blobs, ledger.DossierBlob{
				BlobRow: ledger.BlobRow{Digest: content.Digest, Size: content.Size}, ContentType: "application/dicom",
			})
		}
		for i := range out.Blobs[first:] {
			out.Blobs[first+i].Embed = size <= ledger.EmbedLimit
		}
	}
	return nil
}

// blob adds the content of a Binary; what is too large travels beside the dossier.
func (d dossiers) blob(ctx context.Context, out *ledger.Dossier, v *record.Version) error {
	var digest [32]byte
	if n, err := hex.Decode(digest[:], []byte(v.Blob)); err != nil || n != len(digest) {
		return fmt.Errorf("app: Binary/%s names the blob %q", v.ID, v.Blob)
	}
	for _, b := range out.Blobs {
		if b.Digest == digest {
			return nil
		}
	}
	r, err := d.a.Blobs.Open(ctx, digest)
	if err != nil {
		return err
	}
	defer r.Close()
	typ := ""
	if doc, err := tree.Parse(v.Body); err == nil {
		typ = doc.Root().Field("contentType").Str()
	}
	out.Blobs = append(out.Blobs, ledger.DossierBlob{
		BlobRow: ledger.BlobRow{Digest: digest, Size: r.Size()}, ContentType: typ, Embed: r.Size() <= ledger.EmbedLimit,
	})
	return nil
}

func (d dossiers) audit(ctx context.Context, out *ledger.Dossier, caseID string) error {
	return d.a.Store.CaseAudit(ctx, caseID, func(b ledger.AuditBatch, positions []int) error {
		rows := make([][]byte, len(b.Rows))
		for i, r := range b.Rows {
			rows[i] = append([]byte(nil), r...)
		}
		out.Audit = append(out.Audit, ledger.CaseBatch{
			AuditBatch: ledger.AuditBatch{Ref: b.Ref, Key: b.Key, Rows: rows}, Positions: append([]int(nil), positions...),
		})
		return nil
	})
}

// content opens a blob for the ledger.
func (a *App) content(ctx context.Context, digest [32]byte) (io.ReadCloser, error) {
	r, err := a.Blobs.Open(ctx, digest)
	if errors.Is(err, record.ErrAbsent) {
		return nil, fs.ErrNotExist
	}
	return r, err
}

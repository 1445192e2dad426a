package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

const (
	compositionID = "tenon-dossier"
	proofsID      = "tenon-ledger"
	summaryID     = "tenon-summary"
	summaryType   = "application/pdf"
)

// bundleWriter streams the Bundle; the first error stays. Stored bytes go into
// it as they are.
type bundleWriter struct {
	w    io.Writer
	base string
	n    int
	err  error
}

func (b *bundleWriter) raw(text string) {
	if b.err == nil {
		_, b.err = io.WriteString(b.w, text)
	}
}

func (b *bundleWriter) json(v any) {
	text, err := json.Marshal(v)
	if b.err == nil {
		b.err = err
	}
	b.raw(string(text))
}

// open writes what comes before the entries. A document needs identifier and
// timestamp: https://hl7.org/fhir/R4/bundle-definitions.html bdl-9, bdl-10
func (b *bundleWriter) open(caseRef string, size int64, created string) {
	b.raw(`{"resourceType":"Bundle","identifier":`)
	b.json(identifierOf(caseRef, size))
	b.raw(`,"type":"document","timestamp":`)
	b.json(created)
	b.raw(`,"entry":[`)
}

func identifierOf(caseRef string, size int64) map[string]string {
	return map[string]string{"system": "urn:tenon:dossier", "value": caseRef + "@" + strconv.FormatInt(size, 10)}
}

func (b *bundleWriter) head(typ, id string) {
	if b.n++; b.n > 1 {
		b.raw(",")
	}
	b.raw("\n" + `{"fullUrl":`)
	b.json(b.base + "/" + typ + "/" + id)
	b.raw(`,"resource":`)
}

func (b *bundleWriter) entry(typ, id string, body []byte) {
	b.head(typ, id)
	if b.err == nil {
		_, b.err = b.w.Write(body)
	}
	b.raw("}")
}

func (b *bundleWriter) proofs(p *proofs) {
	text, err := json.Marshal(p)
	if b.err == nil {
		b.err = err
	}
	b.head("Binary", proofsID)
	b.raw(`{"resourceType":"Binary","id":"` + proofsID + `","contentType":"` + proofsContentType + `","data":"`)
	b.raw(base64.StdEncoding.EncodeToString(text))
	b.raw(`"}}`)
}

// embedded writes a Binary that this package made.
func (b *bundleWriter) embedded(id, typ string, content []byte) {
	b.head("Binary", id)
	b.raw(`{"resourceType":"Binary","id":"` + id + `","contentType":"` + typ + `","data":"`)
	b.raw(base64.StdEncoding.EncodeToString(content))
	b.raw(`"}}`)
}

// content embeds a blob; what does not fit its digest is not sent as if it did.
func (b *bundleWriter) content(ctx context.Context, blob DossierBlob, open Content) {
	if b.err != nil {
		return
	}
	r, err := open(ctx, blob.Digest)
	if err != nil {
		b.err = fmt.Errorf("ledger: dossier: %s: %w", BlobRef(blob.Digest), err)
		return
	}
	defer func() { _ = r.Close() }()
	id := hex.EncodeToString(blob.Digest[:])
	b.head("Binary", id)
	b.raw(`{"resourceType":"Binary","id":"` + id + `","contentType":`)
	b.json(blob.mediaType())
	b.raw(`,"data":"`)
	sum := sha256.New()
	enc := base64.NewEncoder(base64.StdEncoding, b.w)
	_, err = io.Copy(io.MultiWriter(sum, enc), io.LimitReader(r, EmbedLimit+1))
	if cerr := enc.Close(); err == nil {
		err = cerr
	}
	if err == nil && [32]byte(sum.Sum(nil)) != blob.Digest {
		err = fmt.Errorf("the content does not have its digest")
	}
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("ledger: dossier: %s: %w", BlobRef(blob.Digest), err)
	}
	b.raw(`"}}`)
}

func (b *bundleWriter) close() error {
	b.raw("\n]}\n")
	if b.err != nil {
		return fmt.Errorf("ledger: dossier: %w", b.err)
	}
	return nil
}

// composition is the table of contents, the first entry of a document.
// https://hl7.org/fhir/R4/composition.html
func (d *Dossier) composition(origin string, inv *inventory) ([]byte, error) {
	type reference map[string]string
	var present []reference
	for _, v := range d.Versions {
		if !v.Deleted {
			present = append(present, reference{"reference": v.Ref()})
		}
	}
	section := func(code, title string, refs []reference) map[string]any {
		return map[string]any{
			"title": title, "entry": refs,
			"code": map[string]any{"coding": []any{map[string]string{"system": "urn:tenon:dossier-section", "code": code}}},
		}
	}
	var sections []any
	if inv.summary != nil {
		sections = append(sections, section("summary", "Summary 摘要", []reference{{"reference": "Binary/" + summaryID}}))
	}
	if len(present) > 0 {
		sections = append(sections, section("record", "Record 病例记录", present))
	}
	sections = append(sections, section("ledger", "Proofs 存证", []reference{{"reference": "Binary/" + proofsID}}))
	var files []reference
	for _, b := range d.Blobs {
		if b.Embed {
			files = append(files, reference{"reference": "Binary/" + hex.EncodeToString(b.Digest[:])})
		}
	}
	if len(files) > 0 {
		sections = append(sections, section("files", "Files 文件", files))
	}
	title := d.Title
	if title == "" {
		title = "Dossier of " + d.Case
	}
	out := map[string]any{
		"resourceType": "Composition", "id": compositionID, "status": "final", "title": title, "date": inv.created,
		"type":    map[string]any{"coding": []any{map[string]string{"system": "urn:tenon:document", "code": "dossier"}}},
		"author":  []any{map[string]string{"display": "Tenon " + origin}},
		"section": sections,
	}
	if d.Subject != "" {
		out["subject"] = reference{"reference": d.Subject}
	}
	return json.Marshal(out)
}

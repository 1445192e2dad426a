package ledger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
)

// erasure is one leaf whose row has no bytes any more.
type erasure struct {
	certificate string
	leaf        [32]byte // as the log has it
	logged      bool
	named       [32]byte // as the certificate says
	certified   bool
	seal        error // what is wrong with the certificate's
}

// loadErasures reads what is said to be erased. It is held in memory: an erasure
// takes two persons, so there are few.
func (d *database) loadErasures() error {
	d.erased = map[string]*erasure{}
	records, ok := d.records.(Erasures)
	if !ok {
		return nil
	}
	err := records.Erasures(d.ctx, func(ref, certificate string) error {
		d.erased[ref] = &erasure{certificate: certificate}
		return nil
	})
	if err != nil {
		return err
	}
	refs := make([]string, 0, len(d.erased))
	for ref := range d.erased {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	for chunk := range slices.Chunk(refs, rowsPerTurn) {
		if err := d.loggedErasures(chunk); err != nil {
			return err
		}
	}
	return nil
}

// loggedErasures looks up the leaves: an erasure takes nothing out of the log.
func (d *database) loggedErasures(refs []string) error {
	entries, err := d.records.Entries(d.ctx, refs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		x := d.erased[e.Ref]
		if x.logged {
			continue // a content may be logged more than once, with one hash
		}
		x.leaf, x.logged = e.Hash, true
		if e.Kind == KindVersion {
			d.rows.add(d.secret, e)
		}
	}
	pending, err := d.records.Pending(d.ctx, refs)
	if err != nil {
		return err
	}
	for _, p := range pending {
		if x := d.erased[p.Ref]; !x.logged {
			x.leaf, x.logged = p.Hash, true
		}
	}
	return nil
}

// gone judges a version that is said to be erased: nothing of it may be left.
func (d *database) gone(v VersionRow) bool {
	if _, ok := d.erased[v.Ref()]; !ok {
		return false
	}
	if len(v.Body) > 0 || v.Salt != ([16]byte{}) {
		d.report.find(Changed, "version", v.Ref(), "it is said to be erased, but has bytes or a salt")
	}
	return true
}

// certificateType is the media type of the Binary that holds a certificate.
const certificateType = "application/vnd.tenon.erasure+json"

// certify reads a certificate off a version, if it is one that an erasure names.
// Its bytes are held against the log like those of any version.
func (d *database) certify(v VersionRow) {
	if len(d.erased) == 0 || v.Type != "Binary" || !bytes.Contains(v.Body, []byte(certificateType)) {
		return
	}
	c, err := readCertificate(v.Body)
	if err != nil {
		return // what relies on it is found below
	}
	for _, e := range c.Erased {
		x, ok := d.erased[e.Ref]
		if !ok || x.certificate != v.Ref() {
			continue
		}
		x.named, err = digestOf(e.Leaf)
		x.certified, x.seal = err == nil, c.sealed(d.key)
	}
}

func readCertificate(body []byte) (*ErasureCertificate, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return nil, err
	}
	root := doc.Root()
	content, err := base64.StdEncoding.DecodeString(root.Field("data").Str())
	if err != nil {
		return nil, err
	}
	var c ErasureCertificate
	if err := json.Unmarshal(content, &c); err != nil {
		return nil, err
	}
	if c.Format != ErasureFormat || root.Field("contentType").Str() != certificateType {
		return nil, fmt.Errorf("the format %q is unknown", printable(c.Format))
	}
	return &c, nil
}

// judgeErasures asks of every erasure for its leaf and its certificate.
func (d *database) judgeErasures() error {
	count := map[string]int{}
	for ref, x := range d.erased {
		what := "version"
		if strings.HasPrefix(ref, "sha-256/") {
			what = "blob"
		}
		switch {
		case !x.logged:
			d.report.find(Inserted, what, ref, "it is said to be erased, but the log has no leaf of it")
		case !x.certified:
			d.report.find(Missing, what, ref, "it was erased, and %s does not certify it", printable(x.certificate))
		case x.seal != nil:
			d.report.find(Untrusted, what, ref, "it was erased by %s, but %v", printable(x.certificate), x.seal)
		case x.leaf != x.named:
			d.report.find(Changed, what, ref, "it was erased, and its leaf is not the one that %s certifies", printable(x.certificate))
		default:
			d.report.Erased++
			count[x.certificate]++
		}
	}
	certificates := make([]string, 0, len(count))
	for c := range count {
		certificates = append(certificates, c)
	}
	slices.Sort(certificates)
	for _, c := range certificates {
		d.report.note("%d versions and contents were erased by certificate %s", count[c], c)
	}
	return nil
}

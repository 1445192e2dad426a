package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/tree"
)

// SignatureRow is a row of the table by which the gates of a case are judged. It
// has no leaf of its own: what it says is what the person signed, in the manifest
// of its Provenance, and who that person is, in the certificate of the key.
type SignatureRow struct {
	Provenance string // id
	Case       string // id of the root Task, or ""
	Target     string // Type/id
	Version    int64
	Digest     [32]byte
	Role       string
	Purpose    string
	Stage      string
	Signer     string
	Person     string // behind the signer's role
	Outcome    string
	Conditions string // with a blank between
	When       time.Time
}

// SignatureRows is what Records may give beyond the interface.
type SignatureRows interface {
	// SignatureRows streams every row, in any order.
	SignatureRows(ctx context.Context, each func(SignatureRow) error) error
}

// signedBy is what the row of a Provenance must say that $sign wrote; false for every
// other version. What somebody else wrote about a person's signature counts for no
// gate and has no row.
func signedBy(v VersionRow) (row SignatureRow, ok bool) {
	if v.Type != "Provenance" || v.Version != 1 || v.Deleted {
		return row, false
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		return row, false
	}
	s := doc.Root().Field("signature").Index(0)
	text, err := base64.StdEncoding.DecodeString(s.Field("data").Str())
	if err != nil || s.Field("sigFormat").Str() != "application/jose" {
		return row, false
	}
	m, err := parseManifest(Payload(string(text)))
	if err != nil || m.Signer != v.Author {
		return row, false
	}
	person, err := certifiedPerson(string(text), s)
	if err != nil {
		return row, false
	}
	target, number, _ := strings.Cut(m.Entries[0].Reference, "/_history/")
	version, err := strconv.ParseInt(number, 10, 64)
	return SignatureRow{Provenance: v.ID, Case: m.Case, Target: target, Version: version, Digest: m.Entries[0].Digest, Role: m.Role, Purpose: m.Purpose,
		Stage: m.Stage, Signer: m.Signer, Person: person, Outcome: m.Outcome, Conditions: strings.Join(m.Conditions, " "), When: m.When}, err == nil
}

// certifiedPerson is whom the authority named when it certified the key of a
// signature: in the key's certificate, or in the binding of a person's own.
func certifiedPerson(jws string, signature tree.Node) (string, error) {
	head, _, _, _, err := splitJWS(jws) //nolint:dogsled // only one part is asked for
	if err != nil {
		return "", err
	}
	chain, _, err := chainOf(head)
	if err != nil {
		return "", err
	}
	if principalOf(chain[0]) != "" {
		return chain[0].Subject.CommonName, nil
	}
	e, err := EvidenceOf(signature)
	if err != nil || e == nil {
		return "", errors.Join(err, errors.New("no binding"))
	}
	return PersonOf(e.Binding)
}

// PersonOf is whom a certificate of a signing key (DER) was issued for.
func PersonOf(certificate []byte) (string, error) {
	c, err := parseCertificate(certificate)
	if err != nil {
		return "", fmt.Errorf("ledger: signer's certificate: %w", err)
	}
	return c.Subject.CommonName, nil
}

// mark is a row as one number under a secret key. With of it is that of one
// Provenance, without that of the manifest alone.
func (r SignatureRow) mark(key [32]byte, of bool) (mark [32]byte) {
	if !of {
		r.Provenance = ""
	}
	h := hmac.New(sha256.New, key[:])
	fmt.Fprintf(h, "%q %q %q %d %x %q %q %q %q %q %q %q %d", r.Provenance, r.Case, r.Target, r.Version, r.Digest, r.Role, r.Purpose, r.Stage, r.Signer, Certified(r.Person), r.Outcome, r.Conditions, r.When.UnixMicro())
	h.Sum(mark[:0])
	return mark
}

func (s *sum) addMark(mark [32]byte) {
	for i := range s {
		s[i] += binary.BigEndian.Uint64(mark[i*8:])
	}
}

// walkSignatures holds the table of signatures against the Provenances that
// walkVersions has seen: one who writes into the database gives no signature, and
// takes none away.
func (d *database) walkSignatures() error {
	records, ok := d.records.(SignatureRows)
	if !ok {
		return nil
	}
	var rows sum
	err := records.SignatureRows(d.ctx, func(r SignatureRow) error {
		rows.addMark(r.mark(d.secret, true))
		return nil
	})
	if err != nil || rows == d.signed {
		return err
	}
	return d.nameSignatures(records)
}

// nameSignatures says which: only then the signatures are held in memory, 32 bytes each.
func (d *database) nameSignatures(records SignatureRows) error {
	given, ids := map[[32]byte]string{}, map[string]bool{}
	err := d.records.Versions(d.ctx, func(v VersionRow) error {
		if row, ok := signedBy(v); ok {
			given[row.mark(d.secret, true)] = v.ID
			ids[v.ID] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	manifests := map[[32]byte]bool{}
	err = records.SignatureRows(d.ctx, func(r SignatureRow) error {
		manifests[r.mark(d.secret, false)] = true
		mark, ref := r.mark(d.secret, true), "Provenance/"+printable(r.Provenance)
		switch {
		case given[mark] != "":
			delete(given, mark)
		case ids[r.Provenance]:
			d.report.find(Changed, "signature", ref, "the row by which gates are judged does not say what was signed")
		default:
			d.report.find(Inserted, "signature", ref, "the row by which gates are judged has no Provenance that its signer signed")
		}
		ids[r.Provenance] = false
		return nil
	})
	if err != nil {
		return err
	}
	return d.records.Versions(d.ctx, func(v VersionRow) error {
		row, ok := signedBy(v)
		// a row of another Provenance with the same manifest: somebody copied his own signature
		if ok && ids[v.ID] && given[row.mark(d.secret, true)] != "" && !manifests[row.mark(d.secret, false)] {
			d.report.find(Missing, "signature", "Provenance/"+v.ID, "it was signed, and the row by which gates are judged is not there")
		}
		return nil
	})
}

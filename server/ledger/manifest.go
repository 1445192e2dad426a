package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tenon/fhir/tree"
)

// Manifest is what a person signs: which exact bytes, in which role, what for.
type Manifest struct {
	Case       string    // id of the root Task
	Stage      string    // S10
	Role       string    // code of urn:tenon:role
	Purpose    string    // code of urn:tenon:signature-purpose
	Signer     string    // PractitionerRole/x: must be the certificate's
	When       time.Time // to the microsecond
	Outcome    string
	Comment    string
	Conditions []string // of the plan, that this signature answers for
	Entries    []ManifestEntry
	// Attachments are contents that the entries name, by the SHA-256 of the
	// content itself.
	Attachments []Attachment
}

// ManifestEntry is one version under the signature.
type ManifestEntry struct {
	Reference string   // Type/id/_history/version
	Digest    [32]byte // SHA-256 of the stored bytes
}

// Attachment is one content under the signature.
type Attachment struct {
	Reference string // Binary/x
	Digest    [32]byte
}

// maxManifest bounds what is read of a manifest.
const maxManifest = 1 << 20

// manifestJSON is the signed text. Its members stand in this order, so that the
// same manifest gives the same bytes; a verifier relies on the bytes alone.
type manifestJSON struct {
	Format      string      `json:"format"`
	Case        string      `json:"case,omitempty"`
	Stage       string      `json:"stage,omitempty"`
	Role        string      `json:"role"`
	Purpose     string      `json:"purpose"`
	Signer      string      `json:"signer"`
	When        string      `json:"when"`
	Outcome     string      `json:"outcome,omitempty"`
	Comment     string      `json:"comment,omitempty"`
	Conditions  []string    `json:"conditions,omitempty"`
	Entries     []signedRef `json:"entries"`
	Attachments []signedRef `json:"attachments,omitempty"`
}

type signedRef struct {
	Reference string `json:"reference"`
	SHA256    string `json:"sha256"`
}

const manifestFormat = "tenon-manifest/1"

// Text is what is signed.
func (m *Manifest) Text() ([]byte, error) { return m.encode() }

// encode gives the bytes to sign.
func (m *Manifest) encode() ([]byte, error) {
	if len(m.Entries) == 0 || m.Signer == "" || m.Role == "" || m.Purpose == "" || m.When.IsZero() {
		return nil, errors.New("ledger: a manifest needs entries, signer, role, purpose and time")
	}
	out := manifestJSON{
		Format: manifestFormat, Case: m.Case, Stage: m.Stage, Role: m.Role, Purpose: m.Purpose, Signer: m.Signer,
		When: instant(m.When), Outcome: m.Outcome, Comment: m.Comment, Conditions: m.Conditions,
	}
	for _, e := range m.Entries {
		out.Entries = append(out.Entries, signedRef{e.Reference, hex.EncodeToString(e.Digest[:])})
	}
	for _, a := range m.Attachments {
		out.Attachments = append(out.Attachments, signedRef{a.Reference, hex.EncodeToString(a.Digest[:])})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(out)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// parseManifest reads signed bytes strictly: no member twice, none unknown.
func parseManifest(text []byte) (Manifest, error) {
	var in manifestJSON
	if err := strictJSON(text, maxManifest, &in); err != nil {
		return Manifest{}, fmt.Errorf("manifest: %w", err)
	}
	when, err := time.Parse("2006-01-02T15:04:05.000000Z", in.When)
	if err != nil || in.Format != manifestFormat || len(in.Entries) == 0 {
		return Manifest{}, fmt.Errorf("manifest: it needs format %s, a time and entries", manifestFormat)
	}
	m := Manifest{
		Case: in.Case, Stage: in.Stage, Role: in.Role, Purpose: in.Purpose, Signer: in.Signer,
		When: when, Outcome: in.Outcome, Comment: in.Comment, Conditions: in.Conditions,
	}
	for _, e := range in.Entries {
		d, err := digestOf(e.SHA256)
		if err != nil {
			return m, err
		}
		m.Entries = append(m.Entries, ManifestEntry{e.Reference, d})
	}
	for _, a := range in.Attachments {
		d, err := digestOf(a.SHA256)
		if err != nil {
			return m, err
		}
		m.Attachments = append(m.Attachments, Attachment{a.Reference, d})
	}
	return m, nil
}

func digestOf(text string) (d [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 || hex.EncodeToString(b) != text {
		return d, errors.New("a SHA-256 is 64 lower-case hex digits")
	}
	return [32]byte(b), nil
}

// strictJSON reads what was written by this package: duplicate and unknown
// members are refused, so that no two readers see different things.
func strictJSON(text []byte, limit int, into any) error {
	if len(text) > limit {
		return fmt.Errorf("%d bytes, at most %d", len(text), limit)
	}
	if err := new(tree.Doc).Parse(text, tree.Limits{Bytes: limit}); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

package ledger

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
)

// Trust is what a verifier keeps outside the server: the keys, and the newest
// state of the log that was seen, which no later state may contradict.
type Trust struct {
	LogKey     string // verifier key of a signed note; its name is the log's origin
	Authority  *x509.Certificate
	Checkpoint *Checkpoint // nil: no state was seen yet
}

type trustJSON struct {
	Format          string `json:"format"`
	Origin          string `json:"origin"`
	LogKey          string `json:"logKey"`
	SignerAuthority string `json:"signerAuthority"`
	Checkpoint      string `json:"checkpoint,omitempty"`
}

const (
	trustFormat = "tenon-trust/1"
	maxTrust    = 256 << 10
)

func (t *Trust) verifier() (note.Verifier, error) {
	v, err := note.NewVerifier(t.LogKey)
	if err != nil {
		return nil, errors.New("the log key is no verifier key of a signed note")
	}
	return v, nil
}

// WriteTrust writes the trust file.
func WriteTrust(w io.Writer, t *Trust) error {
	v, err := t.verifier()
	if err != nil {
		return fmt.Errorf("ledger: trust: %w", err)
	}
	if t.Authority == nil {
		return errors.New("ledger: trust: no signer authority")
	}
	out := trustJSON{Format: trustFormat, Origin: v.Name(), LogKey: t.LogKey, SignerAuthority: encodeCertificate(t.Authority)}
	if t.Checkpoint != nil {
		out.Checkpoint = string(t.Checkpoint.Note)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// ReadTrust reads a trust file; the checkpoint in it must be signed by the log
// key in it.
func ReadTrust(r io.Reader) (*Trust, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTrust+1))
	if err != nil {
		return nil, fmt.Errorf("ledger: trust: %w", err)
	}
	var in trustJSON
	if err := strictJSON(text, maxTrust, &in); err != nil {
		return nil, fmt.Errorf("ledger: trust: %w", err)
	}
	if in.Format != trustFormat {
		return nil, fmt.Errorf("ledger: trust: format %q, want %s", in.Format, trustFormat)
	}
	t := &Trust{LogKey: in.LogKey}
	v, err := t.verifier()
	if err == nil && v.Name() != in.Origin {
		err = fmt.Errorf("origin %q beside a key of %q", in.Origin, v.Name())
	}
	if err == nil {
		t.Authority, err = decodeCertificate(in.SignerAuthority)
	}
	if err == nil && in.Checkpoint != "" {
		var c Checkpoint
		c, err = OpenCheckpoint([]byte(in.Checkpoint), v)
		t.Checkpoint = &c
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: trust: %w", err)
	}
	return t, nil
}

func encodeCertificate(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func decodeCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("the signer authority is no CERTIFICATE in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

package ledger

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Trust is what a verifier keeps outside the server: the keys, and the newest
// state of the log that was seen, which no later state may contradict.
type Trust struct {
	LogKey     string // verifier key of a signed note; its name is the log's origin
	Authority  *x509.Certificate
	Checkpoint *Checkpoint // nil: no state was seen yet
	At         time.Time   // when the checkpoint was put down, as its keeper says; zero: not said

	More      []*x509.Certificate // further own authorities: of the national suite
	Roots     []*x509.Certificate // of persons' own certificates
	TSAs      []*x509.Certificate // of time stamp authorities
	Witnesses []string            // verifier keys, see NewCosigner
}

// authorities are what signatures are judged by.
func (t *Trust) authorities() *Authorities {
	return &Authorities{Signers: append([]*x509.Certificate{t.Authority}, t.More...), Roots: t.Roots}
}

type trustJSON struct {
	Format          string `json:"format"`
	Origin          string `json:"origin"`
	LogKey          string `json:"logKey"`
	SignerAuthority string `json:"signerAuthority"`
	Checkpoint      string `json:"checkpoint,omitempty"`
	At              string `json:"at,omitempty"`

	More      []string `json:"moreAuthorities,omitempty"`
	Roots     []string `json:"roots,omitempty"`
	TSAs      []string `json:"timeStampAuthorities,omitempty"`
	Witnesses []string `json:"witnesses,omitempty"`
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
	if !t.At.IsZero() {
		out.At = instant(t.At)
	}
	out.More, out.Roots, out.TSAs, out.Witnesses = encodeAll(t.More), encodeAll(t.Roots), encodeAll(t.TSAs), t.Witnesses
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
	if err == nil {
		err = t.outsiders(&in)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: trust: %w", err)
	}
	return t, nil
}

// outsiders reads who else is trusted, and when the file was written.
func (t *Trust) outsiders(in *trustJSON) (err error) {
	if in.At != "" {
		if t.At, err = time.Parse(instantLayout, in.At); err != nil {
			return errors.New("at is no time with microseconds in UTC")
		}
	}
	for _, list := range []struct {
		from []string
		to   *[]*x509.Certificate
	}{{in.More, &t.More}, {in.Roots, &t.Roots}, {in.TSAs, &t.TSAs}} {
		for _, text := range list.from {
			c, err := decodeCertificate(text)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, c)
		}
	}
	for _, w := range in.Witnesses {
		if _, err := NewCosigner(w); err != nil {
			return err
		}
	}
	t.Witnesses = in.Witnesses
	return nil
}

func encodeAll(certificates []*x509.Certificate) (all []string) {
	for _, c := range certificates {
		all = append(all, encodeCertificate(c))
	}
	return all
}

func encodeCertificate(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func decodeCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("an authority is no CERTIFICATE in PEM")
	}
	return parseCertificate(block.Bytes)
}

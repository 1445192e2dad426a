package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// ErasureFormat names the form of a certificate.
const ErasureFormat = "tenon-erasure/1"

// ErasureCertificate says what was erased for good, why and by whom. It is the
// content of a Binary of the record, so that the log vouches for it.
type ErasureCertificate struct {
	Format      string       `json:"format"`
	Resource    string       `json:"resource"`
	Reason      string       `json:"reason"`
	Request     string       `json:"request"` // version of the Task that asked
	RequestedBy string       `json:"requestedBy"`
	RequestedAt string       `json:"requestedAt"`
	ConfirmedBy string       `json:"confirmedBy"`
	ConfirmedAt string       `json:"confirmedAt"`
	Erased      []ErasedLeaf `json:"erased"`
	// Cases are those that it was a part of, each with the rule by which its
	// retention had ended; of such an erasure the Seal is needed.
	Cases []ErasedCase `json:"cases,omitempty"`
	Kept  []KeptMember `json:"kept,omitempty"`
	// Seal is a signed note of the log's key over all the rest.
	Seal string `json:"seal,omitempty"`
}

// ErasedCase is the rule by which what belonged to a case was erased.
type ErasedCase struct {
	Case   string `json:"case"` // "Task/x"
	Rule   string `json:"rule"` // code of the plan's retention
	Clause string `json:"clause"`
	Until  string `json:"until"` // end of the retention
	Basis  string `json:"basis"` // what was valid longest
}

// KeptMember is a member of the case that was not erased with the rest.
type KeptMember struct {
	Ref  string `json:"ref"`
	Rule string `json:"rule"`
}

// ErasedLeaf is one leaf of the log whose bytes and salt are no more.
type ErasedLeaf struct {
	Ref  string `json:"ref"`  // of a version or a blob
	Leaf string `json:"leaf"` // its hash in the log, hex
	Size int64  `json:"size"` // of the bytes that are gone
}

// Erasures is what Records may give beyond the interface.
type Erasures interface {
	// Erasures streams what the database says was erased: the ref of a version or
	// blob, and the version of the Binary that certifies it.
	Erasures(ctx context.Context, each func(ref, certificate string) error) error
}

// erasureSealFormat can be no origin of a log, so that this note never reads as a
// checkpoint, nor a checkpoint as this.
const erasureSealFormat = "tenon-erasure-seal/1"

func (c ErasureCertificate) sealText(origin string) (string, error) {
	c.Seal = ""
	text, err := json.Marshal(c)
	return fmt.Sprintf("%s\n%s\n%x\n", erasureSealFormat, origin, sha256.Sum256(text)), err
}

// CertifyErasure seals a certificate with the key of the log.
func (k *Keys) CertifyErasure(c *ErasureCertificate) error {
	text, err := c.sealText(k.Signer.Name())
	if err != nil {
		return err
	}
	seal, err := note.Sign(&note.Note{Text: text}, k.Signer)
	c.Seal = string(seal)
	return err
}

// sealed tells what is wrong with the seal. What was no part of a case may have
// none: certificates had none once.
func (c *ErasureCertificate) sealed(by note.Verifier) error {
	if c.Seal == "" && len(c.Cases) == 0 {
		return nil
	}
	if len(c.Seal) > maxNote {
		return errors.New("its seal is too long")
	}
	n, err := note.Open([]byte(c.Seal), note.VerifierList(by))
	if err != nil {
		return fmt.Errorf("it is not sealed by the log's key %s", by.Name())
	}
	if want, err := c.sealText(by.Name()); err != nil || n.Text != want {
		return errors.New("its seal is over another text")
	}
	return nil
}

package ledger_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"tenon/server/ledger"
)

// agreed signs the first version of the dossier in another case, in a Provenance
// that says it belongs to the case home.
func (w *world) agreed(home string) {
	p := signer(w.t, w.keys, "PractitionerRole/hosp")
	of := w.dossier.Versions[2]
	m := manifest()
	m.Case, m.Signer, m.Attachments = "agreement", "PractitionerRole/hosp", nil
	m.Entries = []ledger.ManifestEntry{{Reference: of.Ref(), Digest: of.Digest}}
	jws, err := ledger.SignManifest(p.key, p.cert, m)
	if err != nil {
		w.t.Fatal(err)
	}
	v := version("Provenance", "agreed", 1, fmt.Sprintf(`,"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],`+
		`"target":[{"reference":%q}],"signature":[{"who":{"reference":"PractitionerRole/hosp"},"sigFormat":"application/jose","data":%q}]`,
		home, of.Ref(), base64.StdEncoding.EncodeToString([]byte(jws))))
	w.store.Put(w.t.Context(), now, v)
	w.sequence()
	w.dossier.Versions = append(w.dossier.Versions, v)
}

// A document that was signed in its own case comes along with its signatures.
func TestSignatureOfAnotherCase(t *testing.T) {
	w := newWorld(t)
	w.agreed("Task/agreement")
	r := verify(t, w.write(), w.trust(), ledger.VerifyOptions{})
	if !r.OK() || r.Signed != 2 || !strings.Contains(r.String(), "was given in the case agreement") {
		t.Errorf("Signed = %d, want 2 and a note; report:\n%v", r.Signed, r)
	}
	w = newWorld(t)
	w.agreed("Task/root")
	if r := verify(t, w.write(), w.trust(), ledger.VerifyOptions{}); r.OK() || r.Signed != 1 {
		t.Errorf("a signature given elsewhere counts as one of this case:\n%v", r)
	}
}

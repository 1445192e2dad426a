package ledger

import (
	"encoding/base64"
	"fmt"
	"strings"

	"tenon/fhir/tree"
)

// caseExtension names the case of a Provenance: Task/x.
const caseExtension = "urn:tenon:extension:case"

// signature is one signature of a Provenance that is what the log has.
type signature struct {
	ref      string // of the Provenance, and which signature of it
	index    int64  // of the Provenance in the log
	jws      string
	who      string
	home     string // case that the Provenance names, "Task/x"
	targets  []string
	evidence *Evidence
}

// collect takes the signatures out of a Provenance; they are judged when every
// version is known. https://hl7.org/fhir/R4/provenance.html
func (v *verifier) collect(ref string, index int64, provenance tree.Node) {
	var targets []string
	for t := range provenance.Field("target").Items() {
		targets = append(targets, t.Field("reference").Str())
	}
	home := homeOf(provenance)
	i := 0
	for s := range provenance.Field("signature").Items() {
		name := fmt.Sprintf("%s signature[%d]", ref, i)
		i++
		if format := s.Field("sigFormat").Str(); format != "application/jose" {
			v.report.note("%s has the format %q and was not judged", name, printable(format))
			continue
		}
		text, err := base64.StdEncoding.DecodeString(s.Field("data").Str())
		if err != nil {
			v.report.find(Malformed, "signature", name, "its data are not base64")
			continue
		}
		evidence, err := EvidenceOf(s)
		if err != nil {
			v.report.find(Malformed, "signature", name, "%v", err)
			continue
		}
		v.signatures = append(v.signatures, signature{name, index, string(text), s.Path("who", "reference").Str(), home, targets, evidence})
	}
}

// homeOf is the case in which a signature was given, as its Provenance says.
func homeOf(provenance tree.Node) string {
	for e := range provenance.Field("extension").Items() {
		if e.Field("url").Str() == caseExtension {
			return e.Path("valueReference", "reference").Str()
		}
	}
	return ""
}

// judgeCase compares the case that was signed with the one that the Provenance
// names. It may be another than the dossier's: a standing agreement is signed in
// its own case and comes along with its signatures, which the report notes.
func (v *verifier) judgeCase(s signature, signed string) {
	switch given := "Task/" + signed; {
	case signed == "" || given == v.ledger.caseRef:
	case given == s.home:
		v.report.note("%s was given in the case %s", s.ref, printable(signed))
	default:
		v.report.find(Changed, "signature", s.ref, "it was given in the case %s", printable(signed))
	}
}

func (v *verifier) judgeSignatures() {
	for _, s := range v.signatures {
		before := len(v.report.Findings) + v.report.More
		v.judge(s)
		if len(v.report.Findings)+v.report.More == before {
			v.report.Signed++
		}
	}
}

// judge checks one signature and that what it signed is what the dossier holds.
func (v *verifier) judge(s signature) {
	signed, err := v.verified(s)
	if err != nil {
		v.report.find(Changed, "signature", s.ref, "%s", strings.TrimPrefix(err.Error(), "ledger: "))
		return
	}
	m := signed.Manifest
	v.held(s, signed)
	if s.who != m.Signer {
		v.report.find(Changed, "signature", s.ref, "it is of %s, the Provenance says %s", printable(m.Signer), printable(s.who))
	}
	v.judgeCase(s, m.Case)
	covered := map[string]bool{}
	for _, e := range m.Entries {
		covered[e.Reference] = true
		switch digest, ok := v.ledger.digests[e.Reference]; {
		case !ok && v.ledger.gone[e.Reference].certificate != "":
			v.report.note("%s is over %s, which was destroyed by %s", s.ref, printable(e.Reference), printable(v.ledger.gone[e.Reference].certificate))
		case !ok:
			v.report.find(Missing, "signature", s.ref, "it is over %s, which is not in the dossier", printable(e.Reference))
		case digest != e.Digest:
			v.report.find(Changed, "signature", s.ref, "%s is not the version that was signed", printable(e.Reference))
		}
	}
	for _, t := range s.targets {
		if !covered[t] {
			v.report.find(Changed, "signature", s.ref, "it does not cover the Provenance's target %s", printable(t))
		}
	}
	for _, a := range m.Attachments {
		_, here := v.ledger.blobs[fmt.Sprintf("%x", a.Digest)]
		if _, gone := v.ledger.gone[BlobRef(a.Digest)]; !here && !gone {
			v.report.find(Missing, "signature", s.ref, "it is over the content %x of %s, which the dossier does not list", a.Digest, printable(a.Reference))
		}
	}
}

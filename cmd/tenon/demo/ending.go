package demo

import (
	"bytes"
	"context"
	"fmt"

	"tenon/adapters/grading"
	"tenon/fhir/tree"
	"tenon/server/ledger"
)

// ending exports the dossier, verifies it offline with the trust file that was
// written before the case began, and makes the graded export for the
// manufacturer.
func (s *story) ending() {
	s.tell.chapter("", "What remains", "档案")
	root := s.read(s.clin, s.course.root)
	if str(root, "status") != "completed" {
		stop(fmt.Errorf("the case is %s after S19", str(root, "status")))
	}
	s.tell.line("", s.clin, "case %s is %s", str(root, "groupIdentifier", "value"), str(root, "status"))
	a := s.web.expect(200, request{as: s.clin, method: "GET", path: "/fhir/" + s.course.root + "/$dossier"})
	s.verifyDossier(a.body)
	s.export()
	s.seen.Completed = s.course.done
}

// verifyDossier does what `tenon verify --trust FILE DOSSIER` does: it needs no
// server. Then one byte is changed, and it is refused.
func (s *story) verifyDossier(dossier []byte) {
	trust, err := ledger.ReadTrust(bytes.NewReader(s.trust))
	must(err)
	r, err := ledger.VerifyDossier(context.WithoutCancel(s.ctx), bytes.NewReader(dossier), trust, ledger.VerifyOptions{})
	must(err)
	if r.Exit() != 0 {
		stop(fmt.Errorf("the dossier of %d bytes is refused:\n%s", len(dossier), r))
	}
	s.seen.Signed = r.Signed
	s.tell.note("", "dossier of %d bytes verified offline: %s", len(dossier), bytes.TrimSpace([]byte(r.String())))
	changed := bytes.Replace(dossier, []byte(s.figures.number), []byte("C-forged"[:len(s.figures.number)]), 1)
	r, err = ledger.VerifyDossier(context.WithoutCancel(s.ctx), bytes.NewReader(changed), trust, ledger.VerifyOptions{})
	must(err)
	if r.OK() || bytes.Equal(changed, dossier) {
		stop(fmt.Errorf("a changed dossier is verified:\n%s", r))
	}
	s.tell.note("", "the same with the case number forged: %s", r.Findings[0])
}

// export is the feedback of the case for the manufacturer of the device: what its
// table lets through, under pseudonyms and shifted dates.
func (s *story) export() {
	table, err := grading.Load()
	must(err)
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(s.dice.IntN(256)) // the hospital's own secret in real life
	}
	names, err := grading.NewPseudonymiser(key)
	must(err)
	out, err := table.FollowUpExport(grading.FollowUp{
		Patient: s.patient.ref, Resources: s.released(), Pseudonyms: names, BaseURL: s.server.root + "/fhir", At: s.now(),
		Recipient: grading.Recipient{Names: []string{maker}},
	})
	must(err)
	s.seen.Exported = len(out.Manifest.Lines)
	s.tell.note("", "follow-up export for %s: %d resources %v, at most L%d, %d types withheld", maker, len(out.Manifest.Lines), out.Manifest.Exported,
		out.Manifest.Level, len(out.Manifest.Withheld))
	if bytes.Contains(out.NDJSON, []byte(s.patient.name)) || bytes.Contains(out.NDJSON, []byte(s.figures.record)) {
		stop(fmt.Errorf("the export names the patient"))
	}
}

// released are the resources of the case that the hospital hands to the export.
func (s *story) released() []tree.Node {
	var all []tree.Node
	for _, query := range []string{"Encounter?subject=", "Observation?subject=", "QuestionnaireResponse?subject=", "ClinicalImpression?subject=",
		"Procedure?subject=", "Device?patient=", "DiagnosticReport?subject=", "Communication?subject=", "Patient?_id="} {
		target := s.patient.ref
		if query == "Patient?_id=" {
			target = target[len("Patient/"):]
		}
		a := s.web.expect(200, request{as: s.clin, method: "GET", path: "/fhir/" + query + target + "&_count=200"})
		doc, err := tree.Parse(a.body)
		must(err)
		for entry := range doc.Root().Field("entry").Items() {
			// A copy of its own: the export reads each resource by itself.
			one, err := tree.Parse(bytes.Clone(entry.Field("resource").Raw()))
			must(err)
			all = append(all, one.Root())
		}
	}
	return all
}

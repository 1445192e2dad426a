package demo

import (
	"encoding/json"
	"fmt"
	"strings"
)

// manifest is what the follow-up export says of itself.
type manifest struct {
	Recipient string
	Level     int // highest of the copies, at most 3
	Exported  []struct {
		Type  string
		Count int
	}
	Withheld []struct{ Type, Reason string }
}

// export gets the graded follow-up export: what the manufacturer of the device may
// have, under pseudonyms and shifted dates. The hospital releases it, and nobody
// else.
func (s *story) export() {
	path := "/fhir/" + s.course.root + "/$follow-up"
	s.refused("", refusal{"manufacturer-takes-the-export", 403, "export-owner", ""}, request{as: s.des, method: "GET", path: path})
	a := s.web.expect(200, request{as: s.clin, method: "GET", path: path})
	var m manifest
	var copies []obj
	for _, p := range items(a.json(), "parameter") {
		switch str(p, "name") {
		case "manifest":
			must(json.Unmarshal([]byte(str(p, "valueString")), &m))
		case "resource":
			copies = append(copies, p["resource"].(obj))
		}
	}
	var counts []string
	for _, c := range m.Exported {
		counts = append(counts, fmt.Sprintf("%d %s", c.Count, c.Type))
	}
	s.seen.Exported = len(copies)
	s.tell.line("", s.clin, "%d follow-up export for the %s, at most L%d: %s; %d kinds withheld", a.status, m.Recipient, m.Level, joined(counts), len(m.Withheld))
	s.exportedWell(a, m, copies)
}

// exportedWell sees that every visit and the device are there, that nothing is
// above L3, and that nothing tells who the patient is.
func (s *story) exportedWell(a *answer, m manifest, copies []obj) {
	visits, device := 0, false
	for _, c := range copies {
		switch str(c, "resourceType") {
		case "Encounter":
			visits++
		case "Device":
			device = device || strings.Contains(str(c, "udiCarrier", "carrierHRF"), s.figures.serial)
		}
	}
	if visits != s.figures.visits || !device || m.Level > 3 {
		stop(&Unexpected{a.request, fmt.Sprintf("%d visits, the device, at most L3", s.figures.visits), fmt.Sprintf("%d visits, device %v, L%d", visits, device, m.Level), ""})
	}
	for _, telling := range s.identity() {
		if strings.Contains(string(a.body), telling) {
			stop(&Unexpected{a.request, "a pseudonymous export", "it tells " + telling, ""})
		}
	}
}

// identity is what would tell who the patient is.
func (s *story) identity() []string {
	p := s.patients[s.patient.ref]
	all := []string{s.patient.ref, str(p, "birthDate"), str(p, "identifier", "value"), str(p, "name", "family")}
	for _, n := range items(p, "name") {
		if t := str(n, "text"); t != "" {
			all = append(all, t)
		}
	}
	return all
}

package demo

import (
	"fmt"
	"time"
)

// evaluate is what the case becomes once it is closed: one of a type of device.
// The hospital counts its own cases; the manufacturer is told what does not give
// a single one away; nobody else is told anything.
func (s *story) evaluate() {
	family := "DeviceDefinition/family-cranial-plate"
	if s.socket() {
		family = "DeviceDefinition/family-transtibial-socket"
	}
	now := s.now().UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	path := fmt.Sprintf("/fhir/%s/$evaluate-type?start=%s&end=%s", family, day(first.AddDate(0, -1, 0)), day(first.AddDate(0, 1, -1)))
	own := courseOf(s.web.expect(200, request{as: s.clin, method: "GET", path: path}).json())
	if own["opened"] != "1" || own["closed"] != "1" {
		stop(fmt.Errorf("%s counts %v, want one case from opened to closed", path, own))
	}
	told := courseOf(s.web.expect(200, request{as: s.qa, method: "GET", path: path}).json())
	if told["opened"] != "masked" || told["closed"] != "masked" {
		stop(fmt.Errorf("%s tells the manufacturer %v of a single case", path, told))
	}
	s.tell.line("", s.clin, "the hospital evaluates the type of device: %s case opened, %s closed; the manufacturer is told nothing of so few", own["opened"], own["closed"])
	s.refused("", refusal{"evaluation-by-designer", 403, "evaluation-role", ""}, request{as: s.des, method: "GET", path: path})
}

// courseOf reads the counts of the course out of a MeasureReport.
func courseOf(report obj) map[string]string {
	counts := map[string]string{}
	for _, g := range items(report, "group") {
		if str(g, "code", "coding", "code") != "course" {
			continue
		}
		for _, by := range items(g, "stratifier") {
			for _, x := range items(by, "stratum") {
				for _, p := range items(x, "population") {
					place := str(x, "value", "coding", "code")
					if counts[place] = "masked"; p["count"] != nil {
						counts[place] = fmt.Sprint(p["count"])
					}
				}
			}
		}
	}
	return counts
}

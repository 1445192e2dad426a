package fhirpath_test

import (
	"testing"

	"tenon/fhir/tree"
)

// TestComponents: https://hl7.org/fhirpath/#extract-datedatetimetime-components
func TestComponents(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Patient","birthDate":"1961-04-30","meta":{"lastUpdated":"2026-02-11T08:30:15.123+05:30"}}`))
	if err != nil {
		t.Fatal(err)
	}
	table(t, doc.Root(), [][2]string{
		{"birthDate.yearOf()", "1961"}, {"birthDate.monthOf()", "4"}, {"birthDate.dayOf()", "30"},
		{"@2014.monthOf()", ""}, {"@2014-03.dayOf()", ""}, {"@2014-03.monthOf()", "3"},
		{"meta.lastUpdated.hourOf()", "8"}, {"meta.lastUpdated.minuteOf()", "30"}, {"meta.lastUpdated.secondOf()", "15"},
		{"meta.lastUpdated.millisecondOf()", "123"}, {"@2014-01-05T10:30:00.millisecondOf()", ""}, {"@2014-01-05T10.minuteOf()", ""},
		{"meta.lastUpdated.timezoneOffsetOf()", "5.5"}, {"@2014-01-05T10:30:00-04:00.timezoneOffsetOf()", "-4"}, {"@2014-01-05T10:30:00.timezoneOffsetOf()", ""},
		{"meta.lastUpdated.dateOf()", "2026-02-11"}, {"meta.lastUpdated.timeOf()", "08:30:15.123"}, {"@2014-01T.dateOf()", "2014-01"},
		{"@T10:30.hourOf()", "10"}, {"@T10:30.minuteOf()", "30"}, {"@T10:30.secondOf()", ""}, {"{}.yearOf()", ""},
		{"'2014'.yearOf()", "error"}, {"birthDate.hourOf()", "error"}, {"@T10.yearOf()", "error"},
	})
}

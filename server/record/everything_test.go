package record_test

import (
	"slices"
	"testing"

	"tenon/server/record"
	"tenon/server/search"
)

// A date of care that is no search parameter would silently filter nothing.
func TestDatesOfCareAreIndexed(t *testing.T) {
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	for typ, codes := range record.CareCodes {
		for _, code := range codes {
			if !slices.ContainsFunc(reg.Parameters(typ), func(p *search.Parameter) bool { return p.Code == code && p.Type == "date" && p.Served }) {
				t.Errorf("%s has no date parameter %q", typ, code)
			}
		}
	}
}

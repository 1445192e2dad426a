package fhirpath_test

import (
	"testing"

	"tenon/fhir/tree"
)

// TestExtremeDecimals: numbers are exact over the whole range that R4's examples
// use; beyond it they equal only themselves.
func TestExtremeDecimals(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[
		{"valueQuantity":{"value":1.0}},{"valueQuantity":{"value":1.00}},{"valueQuantity":{"value":1E-22}},
		{"valueQuantity":{"value":1.000000000000000000E-245}},{"valueQuantity":{"value":-1.000000000000000000E+245}},
		{"valueQuantity":{"value":1E+900}},{"valueQuantity":{"value":2E+900}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	table(t, doc.Root(), [][2]string{
		{"component.count()", "7"},
		{"component.distinct().count()", "6"},
		{"(component | component).count()", "6"},
		{"component.value[3].value < component.value[2].value", "true"},
		{"component.value[4].value < 0", "true"},
		{"component.value[3].value * component.value[4].value = -1", "true"},
		{"component.value[5] = component.value[6]", "false"},
		{"component.value[5].value = component.value[6].value", "false"},
	})
}

package profiles_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles"
)

// extensible are the elements that may still say in words what no list of the guide
// has: the requirement that they are bound by force is not met for them.
var extensible = []string{
	"order DeviceRequest.parameter:material.value[x]",
	"order DeviceRequest.parameter:structure.value[x]",
	"order DeviceRequest.parameter:surgical-tool.value[x]",
	"order DeviceRequest.parameter:post-processing.value[x]",
	"order DeviceRequest.parameter:supply-mode.value[x]",
	"practitioner Practitioner.qualification.code",
	"inspection-result Observation.code",
	"verification-result Observation.code",
}

// TestBindings: what is coded by the terms of the guide is coded by them alone, so
// that another code is refused (clause 4.1.6.4).
func TestBindings(t *testing.T) {
	bound := 0
	for _, body := range profiles.Definitions() {
		n := parse(t, body)
		if n.Field("resourceType").Str() != "StructureDefinition" {
			continue
		}
		t.Run("R001-034 "+n.Field("id").Str(), func(t *testing.T) { bound += required(t, n) })
	}
	if bound < 70 {
		t.Errorf("%d elements are bound to the terms of the guide", bound)
	}
}

// required counts the elements of a definition that are bound to terms of the
// guide, and wants each bound by force.
func required(t *testing.T, definition tree.Node) (bound int) {
	for e := range definition.Path("differential", "element").Items() {
		if set := e.Path("binding", "valueSet").Str(); strings.HasPrefix(set, "urn:tenon:") {
			bound++
			at := strings.TrimPrefix(definition.Field("id").Str(), "profile-") + " " + e.Field("id").Str()
			if got := e.Path("binding", "strength").Str(); (got != "required") != slices.Contains(extensible, at) {
				t.Errorf("%s is bound to %s %s, want required", at, set, got)
			}
		}
	}
	return bound
}

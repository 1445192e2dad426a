package validate

import "tenon/fhir/tree"

// https://hl7.org/fhir/R4/observation-vitalsigns.html

// vitals are the profiles that an Observation with a LOINC code must follow:
// "If implementers use this code they SHALL use this profile".
var vitals = map[string]string{
	"85353-1": "vitalspanel", "9279-1": "resprate", "8867-4": "heartrate", "2708-6": "oxygensat", "8310-5": "bodytemp",
	"8302-2": "bodyheight", "9843-4": "headcircum", "29463-7": "bodyweight", "39156-5": "bmi", "85354-9": "bp",
}

// vital adds the profile of an Observation's code to a list.
func (w *walker) vital(list []*profile, n tree.Node) []*profile {
	for c := range n.Field("code").Field("coding").Items() {
		if c.Field("system").Str() != "http://loinc.org" {
			continue
		}
		if name, ok := vitals[c.Field("code").Str()]; ok {
			if p := w.set.profile("http://hl7.org/fhir/StructureDefinition/" + name); p != nil {
				return append(list, p)
			}
		}
	}
	return list
}

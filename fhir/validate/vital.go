package validate

// https://hl7.org/fhir/R4/observation-vitalsigns.html

// vitals are the profiles that an Observation with a LOINC code must follow:
// "If implementers use this code they SHALL use this profile".
var vitals = map[string]string{
	"85353-1": "vitalspanel", "9279-1": "resprate", "8867-4": "heartrate", "2708-6": "oxygensat", "8310-5": "bodytemp",
	"8302-2": "bodyheight", "9843-4": "headcircum", "29463-7": "bodyweight", "39156-5": "bmi", "85354-9": "bp",
}

// vital judges an Observation of a vital sign by the profile of its code, if it
// does not claim it anyway.
func (w *walker) vital(v value) {
	for c := range v.node.Field("code").Field("coding").Items() {
		if c.Field("system").Str() != "http://loinc.org" {
			continue
		}
		name, ok := vitals[c.Field("code").Str()]
		if !ok {
			continue
		}
		url := "http://hl7.org/fhir/StructureDefinition/" + name
		for claimed := range v.node.Field("meta").Field("profile").Items() {
			if claimed.Str() == url {
				return
			}
		}
		if p := w.set.profile(url); p != nil {
			w.conform(v, p)
		}
		return
	}
}

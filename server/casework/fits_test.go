package casework_test

import (
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// TestMachineFits gives the case the facts that the fit is computed from, and
// takes the waiver away: the record decides, and a violation cannot be waived.
func TestMachineFits(t *testing.T) {
	ready := func(t *testing.T) *world {
		w := stop(t, "S11 accepted")
		unwaived("machine-capability")(w)
		for code, side := range map[string]float64{"box-x": 300, "box-y": 60, "box-z": 3} {
			r := w.lay(modelMeasure(code, side), "server")
			r.Author = "server"
			w.members[r.Ref()] = r
		}
		w.alter("DeviceRequest/order", func(b obj) {
			for _, p := range b["parameter"].([]any) {
				switch p := p.(obj); {
				case is("code", "dimension")(p):
					delete(p, "valueCodeableConcept")
					p["valueRange"] = obj{"low": mm(2.9), "high": mm(3.1)}
				case is("code", "roughness")(p):
					for _, kind := range []string{"valueCodeableConcept", "valueRange"} {
						delete(p, kind)
					}
					p["valueQuantity"] = unit(8, "um")
				}
			}
		})
		return w
	}
	capability := func(code string, value float64) removal {
		return func(w *world) {
			w.alter("Device/printer", func(b obj) {
				for _, p := range b["property"].([]any) {
					if is("type", code)(p.(obj)) {
						p.(obj)["valueQuantity"].([]any)[0].(obj)["value"] = value
					}
				}
			})
		}
	}
	t.Run("R001-154 R001-155 computed, without a waiver", func(t *testing.T) {
		if d := ready(t).try("S11", casework.Start); len(d.Refusal) > 0 {
			t.Errorf("S11 is refused: %s", told(d.Refusal))
		}
	})
	for name, violate := range map[string]removal{
		"R001-114 R001-155 larger than the build volume":   capability("build-z", 299),
		"R001-114 R001-155 finer than the machine makes":   capability("min-feature", 2.6),
		"R001-155 closer than the machine is accurate":     capability("accuracy", 0.11),
		"R001-155 smoother than the machine makes":         capability("roughness", 9),
		"R001-114 a format that the machine does not read": cut("Device/printer", "property", is("type", "supported-format")),
	} {
		t.Run(name, func(t *testing.T) {
			w := ready(t)
			violate(w)
			id := "machine-capability"
			if name == "R001-114 a format that the machine does not read" {
				id = "machine-recorded" // without the formats the machine is not described
			}
			refused(t, w.try("S11", casework.Start), 409, "G-PRODUCE", id, "R001-155")
			if _, refusal := w.sign(prod, "Task/root", access.PROD, "waive:machine-capability"); id == "machine-capability" && len(refusal) == 0 {
				t.Error("a violation was waived")
			}
		})
	}
	t.Run("R001-155 a measure that somebody else wrote does not count", func(t *testing.T) {
		w := ready(t)
		r := w.members["Observation/box-x"]
		r.Author = des.Principal
		w.members[r.Ref()] = r
		refused(t, w.try("S11", casework.Start), 409, "G-PRODUCE", "machine-capability", "R001-155")
	})
}

package casework_test

import "slices"

// What the agreement, the design and the risk decisions of a stage can lack.

// alteredTerm changes the term of the agreement on a topic.
func alteredTerm(topic string, change func(term obj)) removal {
	return func(w *world) {
		w.alter("Contract/agreement", func(b obj) {
			for _, t := range b["term"].([]any) {
				if is("topicCodeableConcept", topic)(t.(obj)) {
					change(t.(obj))
				}
			}
		})
	}
}

// keptAbroad lets one party keep its data in another country.
func keptAbroad(w *world) {
	alteredTerm("storage", func(t obj) {
		for _, p := range t["extension"].([]any)[1].(obj)["extension"].([]any) {
			if p.(obj)["url"] == "country" {
				p.(obj)["valueCode"] = "DE"
			}
		}
	})(w)
}

// sectionOf changes a section of a Composition.
func sectionOf(ref, code string, change func(section obj)) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			for _, s := range b["section"].([]any) {
				if is("code", code)(s.(obj)) {
					change(s.(obj))
				}
			}
		})
	}
}

// undecided takes the decision on risk out of a stage; with words, somebody says
// that there is no new risk, with those words as reason.
func undecided(stage string, words ...string) removal {
	return func(w *world) {
		w.alter(w.task(stage), func(b obj) {
			b["output"] = slices.DeleteFunc(b["output"].([]any), riskDecided)
			if len(words) > 0 {
				b["output"] = append(b["output"].([]any), noNewRisk(words[0]))
			}
		})
	}
}

// longWork lets the making take longer than the order gives.
func longWork(w *world) {
	designProperty(w, obj{"type": concept("urn:tenon:design-property", "build-hours"), "valueQuantity": arr{unit(1600, "h")}})
}

// uncertifiedVersion is a certification of an older version.
func uncertifiedVersion(w *world) {
	w.alterDirectory("VerificationResult/vr-cad-security", func(b obj) {
		b["extension"] = arr{ext("validated-version", "valueString", "5.1.0")}
	})
}

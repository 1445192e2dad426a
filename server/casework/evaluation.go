package casework

import (
	"slices"
	"time"
)

const systemHarm = "urn:tenon:harm"

// Course is what an evaluation of a type of device counts of one case. Nothing of
// it names the case or the patient.
type Course struct {
	Opened time.Time
	// Reached are the places in the course that the case has passed.
	Reached map[Place]bool
	// FirstTime tells that the device was judged conform without being judged, or
	// made, twice.
	FirstTime     bool
	Nonconforming bool
	// Harm is the worst harm that is on record, a code of urn:tenon:harm; "" while
	// none was assessed.
	Harm string
	// Stages is how long each completed stage was at work, all its Tasks together.
	Stages map[string]time.Duration
}

// Place is a place in the course of a case; each implies those before it.
type Place string

// Places are those that an evaluation counts, in their order.
var Places = []Place{"opened", "ordered", "produced", "delivered", "judged", "released", "used", "assessed", "closed"}

// placeOf is the place that a stage's completion reaches.
var placeOf = map[string]Place{"S06": "ordered", "S11": "produced", "S13": "delivered", "S15": "judged", "S17": "released", "S19": "closed"}

// harms are the grades of harm, worst last.
var harms = []string{"none", "mild", "moderate", "severe", "fatal"}

// CourseOf reads the course of a case whose device belongs to a product family
// ("DeviceDefinition/x"); ok is false when its design belongs to another one. The
// snapshot needs the Tasks, designs, devices, uses, problems and assessments.
func CourseOf(s *Snapshot, family string) (c Course, ok bool) {
	v := newView(s, &Plan{})
	if v.root == nil || !v.designedFor(family) {
		return c, false
	}
	c = Course{Reached: map[Place]bool{"opened": true}, Stages: map[string]time.Duration{}}
	c.Opened, _, ok = span(authored(v.root))
	made := map[string]int{}
	for code, tasks := range v.tasks {
		for _, task := range tasks {
			made[code]++
			if substateOf(task.Root) != Completed {
				continue
			}
			if p := placeOf[code]; p != "" {
				c.Reached[p] = true
			}
			if took, known := atWork(task); known {
				c.Stages[code] += took
			}
		}
	}
	c.FirstTime = made["S15"] == 1 && made["S11"] == 1
	v.troubles(&c)
	c.fill()
	return c, ok
}

// designedFor tells whether the newest design that S08 names is of the family.
func (v *view) designedFor(family string) bool {
	task := newest(v.tasks["S08"])
	if task == nil {
		return false
	}
	for item := range task.Root.Field("output").Items() {
		design := v.byRef[referenceOf(valueOf(item))]
		if hasCode(item.Field("type"), systemDocument, "design-definition") && design != nil && referenceOf(design.Root.Field("parentDevice")) == family {
			return true
		}
	}
	return false
}

func atWork(task *Resource) (time.Duration, bool) {
	from, _, begun := span(task.Root.Path("executionPeriod", "start").Str())
	until, _, ended := span(task.Root.Path("executionPeriod", "end").Str())
	return until.Sub(from), begun && ended && !until.Before(from)
}

// troubles reads uses, problems and harms.
func (v *view) troubles(c *Course) {
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		void := r.Root.Field("status").Str() == "entered-in-error"
		switch r.Type {
		case "Procedure":
			c.Reached["used"] = c.Reached["used"] || r.Root.Field("focalDevice").Exists() && tookPlace(r.Root)
		case "Task":
			c.Nonconforming = c.Nonconforming || hasCode(r.Root.Field("code"), systemException, exceptionNonconformity)
		case "DetectedIssue":
			c.Nonconforming = c.Nonconforming || !void
		case "AdverseEvent":
			c.Nonconforming = true
			c.harmed(r.Root.Path("severity", "coding").Index(0).Field("code").Str())
			if r.Root.Path("outcome", "coding").Index(0).Field("code").Str() == "fatal" {
				c.harmed("fatal")
			}
		case "ClinicalImpression":
			for f := range r.Root.Field("finding").Items() {
				if !void {
					c.harmed(codeOf(f.Field("itemCodeableConcept"), systemHarm))
				}
			}
		}
	}
}

func (c *Course) harmed(grade string) {
	if slices.Index(harms, grade) > slices.Index(harms, c.Harm) {
		c.Harm = grade
	}
}

// fill lets each place imply those before it: a case whose record lacks one of
// them counts as having passed it, so that the counts are nested. Harm counts of
// devices that were used.
func (c *Course) fill() {
	c.Reached["assessed"] = c.Harm != "" && c.Reached["used"]
	last := 0
	for i, p := range Places {
		if c.Reached[p] {
			last = i
		}
	}
	for _, p := range Places[:last+1] {
		c.Reached[p] = true
	}
	switch {
	case !c.Reached["assessed"]:
		c.Harm = ""
	case c.Harm == "":
		c.Harm = harms[0]
	}
}

package demo

import (
	"slices"
)

// The socket process (source 003, profiles/socket/README.md) in the same story: a
// transtibial socket, and the prosthesis assembled with it. What both processes do
// is told once; the files socket_*.go hold what a socket has of its own.

// limb is what the socket process brings beside the rest.
type limb struct {
	scanner   string // Device/x
	scan      []byte // STL of the stump
	landmarks []string
	measures  []string
	acquired  string // as Procedure.performedDateTime has it
	build     string // DocumentReference/x
	socket    string // Device/x, part of s.job.device
	judged    map[string]arr
}

func (s *story) socket() bool { return s.o.Process == "socket" }

const (
	level = "transtibial"
	side  = "left"
)

// site is amputation level and side, in one concept.
func site() obj {
	return obj{"text": "左小腿截肢 transtibial, left", "coding": arr{
		obj{"system": tenon + "amputation-level", "code": level}, obj{"system": tenon + "laterality", "code": side},
	}}
}

func (s *story) medicalOfStump() medical {
	return medical{
		condition: "左小腿截肢术后 transtibial amputation, left", site: site(),
		goal: "独立行走 walks without help", measure: "步行距离 walking distance", target: "> 500 m", method: "OSS", plan: "假肢康复 prosthetic rehabilitation",
		risks: arr{obj{"outcome": text("pressure sore")}, obj{"outcome": text("fall")}},
	}
}

// purposes are those of the consent; photographs of the stump need their own.
func (s *story) purposes(all ...any) arr {
	if s.socket() {
		all = append(all, obj{"system": "urn:tenon:consent-purpose", "code": "photography"})
	}
	return all
}

// sections are those of a document; a socket has a treatment plan in place of a
// surgical one, and is not sterile.
func (s *story) sections(all []string) []string {
	if !s.socket() {
		return all
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == "disinfection" || name == "sterilisation" })
	if i := slices.Index(kept, "surgical-plan"); i >= 0 {
		kept[i] = "treatment-plan"
	}
	return kept
}

// enrolForSocket registers the patients and opens the case.
func (s *story) enrolForSocket() {
	s.tell.chapter("", "The patient", "患者")
	s.patient = s.register(s.patientResource())
	f := &s.figures
	f.thickness, f.tolerance = wall, wallTolerance
	f.product = "定制小腿假肢接受腔 custom transtibial socket"
	s.stranger = s.register(made(f.stranger, f.given, f.gender, f.born.AddDate(-3, 2, 1), "MR-9"+f.record[4:]))
	s.course = s.open(s.clin, "socket",
		obj{"name": "subject", "valueReference": ref(s.patient.ref)},
		obj{"name": "case-number", "valueString": f.number},
		obj{"name": "followup-visits", "valueInteger": f.visits},
		obj{"name": "followup-duration", "valueDuration": quantity(float64(f.duration), "s")},
		obj{"name": "image-age", "valueDuration": quantity(30, "d")})
}

func (s *story) socketChapters() []chapter {
	all := []chapter{{"S01", (*story).consent}}
	all = append(all, s.beside(chapter{"S05", (*story).joinAgreement}, chapter{"S02", (*story).acquire}, chapter{"S03a", (*story).confirmScan})...)
	all = append(all, s.beside(chapter{"S04", (*story).treat}, chapter{"S03b", (*story).review})...)
	all = append(all, chapter{"S06", (*story).orderSocket}, chapter{"S07", (*story).input}, chapter{"S08", (*story).designSocket},
		chapter{"S09", (*story).verify}, chapter{"S10", (*story).confirmDesign}, chapter{"S11a", (*story).preProcess}, chapter{"S11", (*story).printSocket})
	all = append(all, s.beside(chapter{"S14", (*story).deliverData}, chapter{"S11b", (*story).fit}, chapter{"S13", (*story).deliver})...)
	return append(all, chapter{"S15", (*story).judge}, chapter{"S16", (*story).accept}, chapter{"S17", (*story).release},
		chapter{"S18", (*story).followUp}, chapter{"S19", (*story).feedBack})
}

// part is a component of an Observation; kind is the name of its value[x].
func part(name, kind string, value any) obj {
	return obj{"code": code("socket-part", name), kind: value}
}

func length(name string, mm float64) obj { return part(name, "valueQuantity", quantity(mm, "mm")) }

func finding(name string, found bool) obj {
	return part(name, "valueCodeableConcept", code("presence", map[bool]string{true: "present", false: "absent"}[found]))
}

// observation is an Observation of the patient; more overrides its elements.
func (s *story) observation(by *person, of, method string, more obj) obj {
	o := obj{
		"resourceType": "Observation", "status": "final", "subject": ref(s.patient.ref), "code": text(of),
		"performer": refs(by.ref), "effectiveDateTime": instant(s.now()),
	}
	if method != "" {
		o["method"] = code("examination-method", method)
	}
	for k, v := range more {
		o[k] = v
	}
	return o
}

// formAnswers is a completed form of the guide; its answers by linkId.
func (s *story) formAnswers(by *person, form string, answers obj) obj {
	questionnaire := s.find(by, "Questionnaire?url=urn:tenon:questionnaire:"+form)[0]
	list := arr{}
	for _, item := range items(questionnaire, "item") {
		link := str(item, "linkId")
		a, given := answers[link].(obj)
		if !given {
			a = obj{"valueBoolean": true}
		}
		list = append(list, obj{"linkId": link, "text": str(item, "text"), "answer": arr{a}})
	}
	return obj{
		"resourceType": "QuestionnaireResponse", "questionnaire": str(questionnaire, "url") + "|" + str(questionnaire, "version"),
		"status": "completed", "subject": ref(s.patient.ref), "authored": instant(s.now()), "author": ref(by.ref), "item": list,
	}
}

// corrected replaces an Observation's components and says so.
func (s *story) corrected(by *person, target string, components arr) {
	a := s.change(by, target, func(o obj) { o["component"] = components })
	s.tell.line(s.stage, by, "%d %s corrects %s: version %s", a.status, by.name, target, a.version())
}

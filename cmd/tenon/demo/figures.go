package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// figures are what the seed varies: who the patient is, what is ordered and how
// fine it must be.
type figures struct {
	number    string // of the case
	family    [2]string
	given     [2]string
	stranger  [2]string // family of the other patient
	gender    string
	born      time.Time
	record    string    // admission number
	side      [3]string // in both languages, and its code
	width     float64   // of the defect, mm
	depth     float64
	thickness float64 // of the plate, mm
	tolerance float64 // mm
	roughness float64 // Ra, um
	spacing   float64 // slice thickness, mm
	samples   int     // retained
	visits    int
	duration  int // of the follow-up, s
	form      bool
	slots     int
	serial    string
	mesh      int64
	product   string // name of the device, in both languages
}

var (
	families = [][2]string{{"张", "Zhang"}, {"李", "Li"}, {"欧阳", "Ouyang"}, {"王", "Wang"}, {"陈", "Chen"}, {"周", "Zhou"}, {"司马", "Sima"}, {"吴", "Wu"}}
	women    = [][2]string{{"秀英", "Xiuying"}, {"静", "Jing"}, {"梓涵", "Zihan"}, {"丽华", "Lihua"}}
	men      = [][2]string{{"伟", "Wei"}, {"建国", "Jianguo"}, {"浩然", "Haoran"}, {"强", "Qiang"}}
	sides    = [][3]string{
		{"左顶骨", "left parietal bone", "left"}, {"右顶骨", "right parietal bone", "right"}, {"额骨", "frontal bone", "not-paired"}, {"左颞骨", "left temporal bone", "left"},
	}
)

func newFigures(dice *rand.Rand) figures {
	f := figures{
		number: fmt.Sprintf("C-%06d", dice.IntN(1_000_000)), family: pick(dice, families),
		side: pick(dice, sides), born: time.Date(1950+dice.IntN(60), time.Month(1+dice.IntN(12)), 1+dice.IntN(28), 0, 0, 0, 0, time.UTC),
		record: fmt.Sprintf("MR-%07d", dice.IntN(10_000_000)), serial: fmt.Sprintf("%08d", dice.IntN(100_000_000)),
		width: tenths(dice, 600, 950), depth: tenths(dice, 500, 750), thickness: tenths(dice, 25, 45), tolerance: tenths(dice, 1, 5),
		roughness: tenths(dice, 60, 120), spacing: tenths(dice, 5, 10), samples: 2 + dice.IntN(3), visits: 2 + dice.IntN(2),
		duration: 1 + dice.IntN(3), form: dice.IntN(2) == 0, slots: dice.IntN(5), mesh: dice.Int64(), product: "定制颅骨修补板 custom cranial plate",
	}
	f.gender, f.given = "female", pick(dice, women)
	if dice.IntN(2) == 0 {
		f.gender, f.given = "male", pick(dice, men)
	}
	for f.stranger = pick(dice, families); f.stranger == f.family; {
		f.stranger = pick(dice, families)
	}
	return f
}

func pick[T any](dice *rand.Rand, from []T) T { return from[dice.IntN(len(from))] }

// tenths is a number between two counts of tenths.
func tenths(dice *rand.Rand, least, most int) float64 {
	return float64(least+dice.IntN(most-least+1)) / 10
}

func (f *figures) device() string { return f.product }

// says is the text of a section. In a real case a person writes it.
func (s *story) says(section string) string {
	f := &s.figures
	switch section {
	case "structure-form", "design-parameters", "technical-requirements":
		return fmt.Sprintf("%s, %.1f × %.1f mm, thickness %.1f mm, tolerance ±%.1f mm", f.side[1], f.width, f.depth, f.thickness, f.tolerance)
	case "scan-requirement", "scan-parameters":
		return fmt.Sprintf("CT, slice thickness at most %.1f mm, bone kernel", f.spacing)
	case "material", "manufacturing-parameters":
		return fmt.Sprintf("Ti6Al4V ELI, laser powder bed fusion, Ra at most %.1f µm", f.roughness)
	case "disinfection", "sterilisation":
		return "gamma, 25 kGy"
	}
	return "as ordered and agreed: " + section
}

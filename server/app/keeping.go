package app

import (
	"fmt"

	"tenon/server/record"
)

// Keeping says what may go: by a delete, of what others refer to, and for good.
type Keeping struct {
	DeleteReferenced string `help:"What becomes of a delete of what others refer to: protect (refused where a case or a signed resource needs it), refuse (where anything does) or allow." default:"protect" enum:"protect,refuse,allow" env:"TENON_DELETE_REFERENCED"`
	// 30 years: what a hospital keeps of an inpatient, 《医疗机构病历管理规定（2013年版）》 §29.
	EvaluationK    int `help:"The least number of cases that a figure of $evaluate-type is about where the report leaves the organisation that owns them." default:"5" env:"TENON_EVALUATION_K"`
	RetentionYears int `help:"How many years after its last change nothing about a patient is erased for good; 0: as long as the resource says." default:"30" env:"TENON_RETENTION_YEARS"`
}

func (k *Keeping) policy() record.DeletePolicy { return record.DeletePolicy(k.DeleteReferenced) }

func (k *Keeping) check() error {
	if k.RetentionYears < 0 || k.RetentionYears > 200 {
		return fmt.Errorf("retention-years: %d is not 0 to 200", k.RetentionYears)
	}
	if k.EvaluationK < 0 || k.EvaluationK == 1 || k.EvaluationK > 1000 {
		return fmt.Errorf("evaluation-k: %d is not 2 to 1000", k.EvaluationK)
	}
	switch k.policy() {
	case "", record.DeleteProtect, record.DeleteRefuse, record.DeleteAllow:
		return nil
	}
	return fmt.Errorf("delete-referenced: %q is neither protect nor refuse nor allow", k.DeleteReferenced)
}

package app

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"tenon/dicomweb"
	"tenon/dicomweb/index"
)

// Images says how the DICOMweb door works.
type Images struct {
	Index []string `help:"Further attributes that QIDO-RS matches: level:attribute, such as study:PatientComments, instance:KVP or series:RequestAttributesSequence.ScheduledProcedureStepDescription." env:"TENON_DICOM_INDEX"`
	// Delete is judged by validate.
	Delete string `help:"Whether DELETE takes images away: refuse, or unused: those that no case and nothing signed relies on." default:"refuse" enum:"refuse,unused" env:"TENON_DICOM_DELETE"`
	// Foreign is judged by validate.
	Foreign string            `help:"What becomes of images whose Patient ID identifies nobody here: refuse, or quarantine until a person of the hospital releases or rejects them." default:"refuse" enum:"refuse,quarantine" env:"TENON_DICOM_FOREIGN"`
	Issuers map[string]string `help:"Which system of Patient.identifier an Issuer of Patient ID (0010,0021) is: ISSUER=system;ISSUER=system. Without it the Patient ID counts alone." env:"TENON_DICOM_ISSUERS"`
}

func (i *Images) validate() error {
	for issuer, system := range i.Issuers {
		if u, err := url.Parse(system); issuer == "" || err != nil || !u.IsAbs() {
			return fmt.Errorf("dicom-issuers: %s=%s: the system is an absolute URI such as urn:oid:1.2.3", issuer, system)
		}
	}
	if i.Foreign != "" && i.Foreign != dicomweb.RefuseForeign && i.Foreign != dicomweb.QuarantineForeign {
		return fmt.Errorf("dicom-foreign: %q is neither refuse nor quarantine", i.Foreign)
	}
	if i.Delete != "" && i.Delete != dicomweb.DeleteRefuse && i.Delete != dicomweb.DeleteUnused {
		return fmt.Errorf("dicom-delete: %q is neither refuse nor unused", i.Delete)
	}
	_, err := i.extra()
	return err
}

// extra are the attributes of Index.
func (i *Images) extra() (list []*index.Attribute, err error) {
	if len(i.Index) > index.MaxExtra {
		return nil, fmt.Errorf("dicom-index: more than %d attributes", index.MaxExtra)
	}
	seen := map[string]bool{}
	for _, name := range i.Index {
		a, err := index.ParseExtra(name)
		if err != nil {
			return nil, fmt.Errorf("dicom-index: %w", err)
		}
		key := a.Key()[1:]
		if seen[key] {
			return nil, fmt.Errorf("dicom-index: %q is named twice", name)
		}
		seen[key] = true
		list = append(list, a)
	}
	return list, nil
}

// buildAgain is how long a failed building of the index waits.
const buildAgain = 10 * time.Second

// buildImages makes the index rows of extra attributes for what is stored, until
// that is done.
func (a *App) buildImages(ctx context.Context) {
	door := a.images.Load()
	if door == nil {
		return
	}
	for {
		err := door.Build(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		a.log.Error("dicomweb", "what", "build the index", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(buildAgain):
		}
	}
}

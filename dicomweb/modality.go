package dicomweb

import "strings"

// Modalities. R4 knows the codes of DCM as of its publication; those that came
// later are told with the edition of the standard that has them, since without one
// they are wrong in R4's, and what is no code of DCM (some devices write their own)
// is told without a system.
// https://dicom.nema.org/medical/dicom/current/output/html/part16.html#sect_CID_33

// editionDCM is that of PS3.16 which has the later codes.
const editionDCM = "2024b"

var (
	earlierModalities = words(`AR AS AU BDUS BI BMD CD CF CP CR CS CT DD DF DG DM DS DX EC ECG EPS ES FA FS GM HC HD IO IVOCT IVUS KER KO LEN LP LS MA MC MG MR MS NM OAM
		OCT OP OPM OPR OPT OPV OSS OT PR PT PX REG RF RG RTDOSE RTIMAGE RTPLAN RTRECORD RTSTRUCT SEG SM SMR SR SRF ST TG US VA VF XA XC`)
	laterModalities = words(`ANN ASMT CFM CTPROTOCOL DMS DOC EEG EMG EOG FID IOL M3D NEARIR OPTBSV OPTENF PA PLAN POS RESP RTINTENT RTRAD RTSEGANN RWV STAIN TEXTUREMAP XAPROTOCOL`)
)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// modality is the Coding of a modality; where there is none it is OT, since the
// element is required.
func modality(code string) coding {
	switch {
	case code == "":
		return coding{System: systemDCM, Code: "OT"}
	case earlierModalities[code]:
		return coding{System: systemDCM, Code: code}
	case laterModalities[code]:
		return coding{System: systemDCM, Version: editionDCM, Code: code}
	}
	return coding{Code: strings.Join(strings.Fields(code), " ")}
}

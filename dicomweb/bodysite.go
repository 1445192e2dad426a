package dicomweb

// bodyParts are Body Part Examined terms and their SNOMED CT concepts.
// https://dicom.nema.org/medical/dicom/current/output/html/part16.html#chapter_L
var bodyParts = map[string]coding{
	"ABDOMEN":  {Code: "818981001", Display: "Abdomen"},
	"ANKLE":    {Code: "70258002", Display: "Ankle joint"},
	"ARM":      {Code: "40983000", Display: "Upper arm"},
	"BRAIN":    {Code: "12738006", Display: "Brain"},
	"CHEST":    {Code: "51185008", Display: "Chest"},
	"CLAVICLE": {Code: "51299004", Display: "Clavicle"},
	"CSPINE":   {Code: "122494005", Display: "Cervical spine"},
	"ELBOW":    {Code: "16953009", Display: "Elbow joint"},
	"FEMUR":    {Code: "71341001", Display: "Femur"},
	"FIBULA":   {Code: "87342007", Display: "Fibula"},
	"FOOT":     {Code: "56459004", Display: "Foot"},
	"HAND":     {Code: "85562004", Display: "Hand"},
	"HEAD":     {Code: "69536005", Display: "Head"},
	"HIP":      {Code: "24136001", Display: "Hip joint"},
	"HUMERUS":  {Code: "85050009", Display: "Humerus"},
	"JAW":      {Code: "661005", Display: "Jaw region"},
	"KNEE":     {Code: "72696002", Display: "Knee"},
	"LEG":      {Code: "30021000", Display: "Lower leg"},
	"LSPINE":   {Code: "122496007", Display: "Lumbar spine"},
	"MANDIBLE": {Code: "91609006", Display: "Mandible"},
	"MAXILLA":  {Code: "70925003", Display: "Maxilla"},
	"NECK":     {Code: "45048000", Display: "Neck"},
	"PELVIS":   {Code: "816092008", Display: "Pelvis"},
	"SHOULDER": {Code: "16982005", Display: "Shoulder"},
	"SKULL":    {Code: "89546000", Display: "Skull"},
	"THIGH":    {Code: "68367000", Display: "Thigh"},
	"TIBIA":    {Code: "12611008", Display: "Tibia"},
	"TSPINE":   {Code: "122495006", Display: "Thoracic spine"},
	"WRIST":    {Code: "74670003", Display: "Wrist joint"},
}

// bodySite is the coding of a Body Part Examined; a term that is not in the
// table is told as text.
func bodySite(term string) *coding {
	if term == "" {
		return nil
	}
	if c, ok := bodyParts[term]; ok {
		c.System = systemSNOMED
		return &c
	}
	return &coding{Display: term}
}

// laterality is the coding of Laterality (0020,0060): R, L or B.
func laterality(term string) *coding {
	codes := map[string]coding{
		"R": {System: systemSNOMED, Code: "24028007", Display: "Right"},
		"L": {System: systemSNOMED, Code: "7771000", Display: "Left"},
		"B": {System: systemSNOMED, Code: "51440002", Display: "Right and left"},
	}
	if c, ok := codes[term]; ok {
		return &c
	}
	return nil
}

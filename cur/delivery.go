package cur

import "time"

// Delivery identifies one delivery of a report: AWS writes a billing period anew
// up to three times a day, and each delivery replaces the period whole.
type Delivery struct {
	// Payer is the paying account; "" when the files do not say.
	Payer string `json:"payer"`
	// Export names the export: its ARN, or the report name of a legacy report,
	// from the manifest; "" for bare files.
	Export string `json:"export"`
	// Period is the billing period: the manifest's, else the rows' own.
	Period Month `json:"period"`
	// Execution identifies the content: the manifest's execution or assembly id;
	// for bare files the SHA-256 over the sorted digests of their content.
	Execution string `json:"execution"`
	// AsOf is when AWS wrote the delivery, as far as that can be told.
	AsOf time.Time `json:"as_of"`
}

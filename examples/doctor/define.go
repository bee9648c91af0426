package main

import (
	_ "embed"
	"encoding/json"
	"io"
	"strings"
)

// columns are all columns of CUR 2.0 with every table configuration on: those that a
// delivered manifest lists, the caller's identity, and capacity reservations.
//
//go:embed columns.txt
var columns string

// define writes a CloudFormation template of an export with everything in it.
// Data Exports are made in us-east-1 only, wherever the bucket is. The names of
// properties are those of AWS::BCMDataExports::Export.
//
// Manual discount compatibility stays off: switched on it takes two columns away.
// The bucket's policy must let billingreports.amazonaws.com and
// bcm-data-exports.amazonaws.com write to it.
func define(w io.Writer, grain string, overwrite bool) error {
	type object = map[string]any
	mode := "CREATE_NEW_REPORT"
	if overwrite {
		mode = "OVERWRITE_REPORT"
	}
	template := object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "A cost and usage export with all that attribution of AI spend needs. Deploy in us-east-1.",
		"Parameters": object{
			"ExportName": object{"Type": "String", "Default": "spendclaim", "AllowedPattern": "^[0-9A-Za-z_-]{1,128}$"},
			"Bucket":     object{"Type": "String", "Description": "A bucket that exists"},
			"Region":     object{"Type": "String", "Default": "us-east-1", "Description": "The bucket's region"},
			"Prefix":     object{"Type": "String", "Default": "exports"},
		},
		"Resources": object{"Export": object{
			"Type": "AWS::BCMDataExports::Export",
			"Properties": object{"Export": object{
				"Name": object{"Ref": "ExportName"},
				"DataQuery": object{
					"QueryStatement": "SELECT " + strings.Join(strings.Fields(columns), ", ") + " FROM COST_AND_USAGE_REPORT",
					"TableConfigurations": object{"COST_AND_USAGE_REPORT": object{
						"TIME_GRANULARITY":                      grain,
						"INCLUDE_RESOURCES":                     "TRUE",
						"INCLUDE_IAM_PRINCIPAL_DATA":            "TRUE",
						"INCLUDE_SPLIT_COST_ALLOCATION_DATA":    "TRUE",
						"INCLUDE_CAPACITY_RESERVATION_DATA":     "TRUE",
						"INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY": "FALSE",
					}},
				},
				"DestinationConfigurations": object{"S3Destination": object{
					"S3Bucket": object{"Ref": "Bucket"},
					"S3Region": object{"Ref": "Region"},
					"S3Prefix": object{"Ref": "Prefix"},
					"S3OutputConfigurations": object{
						"Format": "PARQUET", "Compression": "PARQUET", "OutputType": "CUSTOM", "Overwrite": mode,
					},
				}},
				"RefreshCadence": object{"Frequency": "SYNCHRONOUS"},
			}},
		}},
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(template) // keys in order
}

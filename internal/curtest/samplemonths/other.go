package main

import (
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// service is a meter of the rest of the bill: a resource per account and a quantity
// around base a day.
type service struct {
	sku      *curtest.SKU
	account  string
	resource string
	base     int64 // in the smallest step
}

// services gives the bill its other products. Storage is measured to ten places, so
// rates times quantities need rounding there, and small costs have exponents in CSV.
func services() []service {
	sku := func(code, name, usage, operation, family, unit, rate string, places int32) *curtest.SKU {
		s := &curtest.SKU{
			Code: code, Name: name, UsageType: "USE1-" + usage, Operation: operation, Family: family,
			Unit: unit, Rate: decimal.RequireFromString(rate), Places: places, Region: region,
		}
		return s.Finish()
	}
	box := sku("AmazonEC2", "Amazon Elastic Compute Cloud", "BoxUsage:t3.medium", "RunInstances", "Compute Instance", "Hrs", "0.0416", 0)
	disk := sku("AmazonEC2", "Amazon Elastic Compute Cloud", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "Storage", "GB-Mo", "0.08", 10)
	store := sku("AmazonS3", "Amazon Simple Storage Service", "TimedStorage-ByteHrs", "StandardStorage", "Storage", "GB-Mo", "0.023", 10)
	put := sku("AmazonS3", "Amazon Simple Storage Service", "Requests-Tier1", "PutObject", "API Request", "Requests", "0.000005", 0)
	lambda := sku("AWSLambda", "AWS Lambda", "Lambda-GB-Second", "Invoke", "Serverless", "Lambda-GB-Second", "0.0000166667", 4)
	request := sku("AWSLambda", "AWS Lambda", "Request", "Invoke", "Serverless", "Requests", "0.0000002", 0)
	read := sku("AmazonDynamoDB", "Amazon DynamoDB", "ReadRequestUnits", "PayPerRequestThroughput", "Amazon DynamoDB PayPerRequest Throughput", "ReadRequestUnits", "0.000000125", 1)
	logs := sku("AmazonCloudWatch", "AmazonCloudWatch", "DataProcessing-Bytes", "PutLogEvents", "Data Payload", "GB", "0.5", 9)
	queue := sku("AWSQueueService", "Amazon Simple Queue Service", "Requests-RBP", "", "API Request", "Requests", "0.0000004", 0)
	list := []service{
		{box, customer, "i-0a1b2c3d4e5f60718", 23}, {box, platform, "i-0f9e8d7c6b5a40312", 23},
		{disk, customer, "vol-0123456789abcdef0", 32_500_000_000}, {disk, platform, "vol-0fedcba9876543210", 65_000_000_000},
		{store, customer, "synthetic-support-attachments", 4_100_000_000}, {store, platform, "synthetic-document-archive", 91_000_000_000},
		{put, customer, "synthetic-support-attachments", 1900}, {put, platform, "synthetic-document-archive", 5200},
		{lambda, customer, "arn:aws:lambda:us-east-1:820723250459:function:synthetic-ticket-intake", 410_000},
		{request, customer, "arn:aws:lambda:us-east-1:820723250459:function:synthetic-ticket-intake", 41},
		{lambda, platform, "arn:aws:lambda:us-east-1:341755902216:function:synthetic-ingest", 980_000},
		{request, platform, "arn:aws:lambda:us-east-1:341755902216:function:synthetic-ingest", 77},
		{read, platform, "arn:aws:dynamodb:us-east-1:341755902216:table/synthetic-cases", 3},
		{logs, customer, "arn:aws:logs:us-east-1:820723250459:log-group:/aws/bedrock-agentcore/synthetic", 640_000_000},
		{logs, platform, "arn:aws:logs:us-east-1:341755902216:log-group:/aws/bedrock-agentcore/synthetic", 2_300_000_000},
		{queue, customer, "", 5},
	}
	return list
}

func (s *service) item(span *span, day time.Time, n int) *curtest.Item {
	key := s.sku.UsageType + "/" + s.account + "/" + strconv.Itoa(n)
	it := &curtest.Item{
		ID: curtest.StableID("service", key), SKU: s.sku, Account: s.account, Name: accountName(s.account),
		Resource: s.resource, Amount: decimal.New(s.base*jitter(key, day)/100+1, -s.sku.Places),
	}
	it.Cost = s.sku.Price(it.Amount)
	it.From, it.To = hours(span, day, key)
	return it
}

// credit is negative money without resource, principal or usage.
type credit struct {
	sku             *curtest.SKU
	account, amount string
	day             int
	text            string
}

func credits(p *prices, month time.Month, services []service) []credit {
	storage := services[4].sku
	if month == time.April {
		return []credit{
			{p.runtimeCPU, customer, "-12.5", 15, "SYNTHETIC AgentCore new customer credit"},
			{p.proIn, platform, "-8.75", 20, "SYNTHETIC promotional credit"},
			{storage, customer, "-0.0000000007", 2, "AWS Free Tier"},
		}
	}
	return []credit{
		{p.runtimeCPU, customer, "-20", 15, "SYNTHETIC AgentCore new customer credit"},
		{p.proIn, platform, "-15.5", 12, "SYNTHETIC promotional credit"},
		{storage, customer, "-0.0000000009", 3, "AWS Free Tier"},
	}
}

func (c *credit) item(s *span) *curtest.Item {
	from := (c.day - 1) * 24
	return &curtest.Item{
		ID:  curtest.StableID("credit", c.sku.UsageType, c.account),
		SKU: c.sku, LineType: curtest.Credit, From: from, To: from + 1, Text: c.text,
		Account: c.account, Name: accountName(c.account), Cost: decimal.RequireFromString(c.amount),
	}
}

// levy is the tax on a product in an account: a month long, billed to its first day.
type levy struct {
	sku        *curtest.SKU
	account    string
	april, may string
}

func levies(p *prices, services []service) []levy {
	return []levy{
		{p.proIn, customer, "18.4", "19.25"}, {p.proIn, platform, "42.1", "44.6"},
		{p.runtimeCPU, customer, "11.85", "12.9"}, {p.runtimeCPU, platform, "150.3", "164.05"},
		{services[0].sku, platform, "3.12", "2.61"}, {services[4].sku, platform, "0.42", "0.35"},
	}
}

func (l *levy) item(s *span) *curtest.Item {
	amount := l.may
	if s.start.Month() == time.April {
		amount = l.april
	}
	return &curtest.Item{
		ID:  curtest.StableID("tax", l.sku.Code, l.account),
		SKU: l.sku, LineType: curtest.Tax, TaxType: "VAT", Text: "Tax for product code " + l.sku.Code,
		From: 0, To: int(s.start.AddDate(0, 1, 0).Sub(s.start) / time.Hour),
		Account: l.account, Name: accountName(l.account),
		Amount: decimal.New(1, 0), Cost: decimal.RequireFromString(amount),
	}
}

// The enterprise discount of the sample: two per cent on what the platform account used
// of AmazonBedrock on one day. The rows carry it in their net cost, and one row of its
// own tells the same money, so that net and unblended agree over all rows.
func discountDay(month time.Month) int {
	if month == time.April {
		return 15
	}
	return 20
}

// discounted sets the net cost of a row the discount covers and returns what it took off.
func discounted(it *curtest.Item) decimal.Decimal {
	if it.SKU.Code != "AmazonBedrock" || it.Account != platform {
		return decimal.Decimal{}
	}
	net := it.Cost.Mul(decimal.New(98, -2)).Round(places)
	it.Net = decimal.NewNullDecimal(net)
	return it.Cost.Sub(net)
}

func discountItem(s *span, sku *curtest.SKU, off decimal.Decimal) *curtest.Item {
	from := (discountDay(s.start.Month()) - 1) * 24
	return &curtest.Item{
		ID:  curtest.StableID("discount", sku.Code),
		SKU: sku, LineType: curtest.EdpDiscount, From: from, To: from + 24, Text: "SYNTHETIC enterprise discount, 2 per cent",
		Account: platform, Name: accountName(platform), Cost: off.Neg(),
	}
}

package pricing

// OperationComponents returns the components that an operation of the planning
// vocabulary uses: Memory-Write, Memory-Retrieve, Code-Interpret, Runtime-Invoke,
// Gateway-Call and Browser-Navigate, the words in which people list what an agent
// does. They are not what AWS prints in a bill's operation column. An operation
// that is not known is one [Unknown] component, to be kept and reported. The slice
// is the caller's.
func OperationComponents(operation string) []Component {
	switch operation {
	case "Memory-Write":
		return []Component{MemoryShortTerm}
	case "Memory-Retrieve":
		return []Component{MemoryLongTermRetrieval}
	case "Code-Interpret":
		return []Component{CodeInterpreterVCPU, CodeInterpreterMemory}
	case "Runtime-Invoke":
		return []Component{RuntimeVCPU, RuntimeMemory}
	case "Gateway-Call":
		return []Component{GatewayInvocation}
	case "Browser-Navigate":
		return []Component{BrowserVCPU, BrowserMemory}
	}
	return []Component{Unknown}
}

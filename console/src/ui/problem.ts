import { useState } from "react";
import { Problem } from "../api/client";

/** The last refusal of what a page did by itself, and a guard that keeps it. */
export function useProblem(): [Problem | null, (run: () => Promise<void>) => void] {
    const [problem, setProblem] = useState<Problem | null>(null);
    const guard = (run: () => Promise<void>) => {
        setProblem(null);
        run().catch((error: unknown) => setProblem(error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null)));
    };
    return [problem, guard];
}

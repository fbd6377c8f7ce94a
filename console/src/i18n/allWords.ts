// Loads all words before the unit tests.
import { loadWords } from "./index";

await loadWords();

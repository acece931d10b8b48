// Owns how a view gets at the page: one object with everything that it may use.

import { createContext, useContext } from "./lib.js";

export const AppContext = createContext(/** @type {AppLike} */ (/** @type {unknown} */ (null)));

export const useApp = () => useContext(AppContext);

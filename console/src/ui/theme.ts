// Mantine, made denser and quieter: small controls, square-ish corners, no shadows but on what floats.
import { createTheme, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = ["#eef4fc", "#dbe9fb", "#b6d0f4", "#8db5ec", "#5f95dd", "#3a78c9", "#2563b3", "#1d4f91", "#173f74", "#112f57"];
const gray: MantineColorsTuple = ["#f7f8fa", "#eef0f3", "#e2e5ea", "#d3d7de", "#b6bcc7", "#8b93a1", "#646c7a", "#4a515e", "#333943", "#22262e"];
const dark: MantineColorsTuple = ["#d5dae3", "#b9c0cc", "#98a1b0", "#6b7482", "#4a525f", "#343b48", "#232932", "#1b1f26", "#14171c", "#0f1115"];

export const theme = createTheme({
    colors: { accent, gray, dark },
    primaryColor: "accent",
    primaryShade: { light: 7, dark: 6 },
    autoContrast: true,
    luminanceThreshold: 0.35,
    defaultRadius: 4,
    cursorType: "pointer",
    focusRing: "auto",
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang HK", "PingFang TC", "Microsoft JhengHei", "Noto Sans CJK TC", "Noto Sans CJK HK", sans-serif',
    fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "Noto Sans CJK TC", monospace',
    fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
    lineHeights: { xs: "1.35", sm: "1.4", md: "1.45", lg: "1.5", xl: "1.5" },
    spacing: { xs: "0.375rem", sm: "0.625rem", md: "0.875rem", lg: "1.25rem", xl: "1.75rem" },
    components: {
        Button: { defaultProps: { size: "xs" } },
        TextInput: { defaultProps: { size: "xs" } },
        PasswordInput: { defaultProps: { size: "xs" } },
        Textarea: { defaultProps: { size: "xs" } },
        NativeSelect: { defaultProps: { size: "xs" } },
        Checkbox: { defaultProps: { size: "xs" } },
        ModalRoot: { defaultProps: { lockScroll: false, yOffset: "12vh", transitionProps: { duration: 0 } } },
        ModalOverlay: { defaultProps: { backgroundOpacity: 0.35 } },
        Menu: { defaultProps: { shadow: "md", transitionProps: { duration: 0 } } },
        Popover: { defaultProps: { shadow: "md", transitionProps: { duration: 0 } } },
    },
});

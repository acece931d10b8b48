// Owns the API documentation: Swagger UI on this server's own description.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", validatorUrl: null, deepLinking: true });
